// Lives through the worlds of many seeds, or through one, telling what happens in it.
#include <CLI/CLI.hpp>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <iostream>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "finding.hpp"
#include "world.hpp"

namespace heartbeat::simulation {
namespace {

int live_one(std::uint64_t seed) {
  try {
    World(seed, &std::cout).live();
  } catch (const Finding& finding) {
    std::cout << "seed " << seed << ": " << finding.what() << '\n';
    return 1;
  }
  std::cout << "seed " << seed << ": nothing wrong\n";
  return 0;
}

int live_many(std::uint64_t first, std::uint64_t seeds, unsigned threads) {
  std::atomic<std::uint64_t> next = 0;
  std::mutex mutex;  // of what follows, and of the output
  Happened happened;
  std::uint64_t found = 0;
  const auto live = [&] {
    for (std::uint64_t i = next++; i < seeds; i = next++) {
      try {
        const Happened in_it = World(first + i, nullptr).live();
        const std::lock_guard guard(mutex);
        happened += in_it;
      } catch (const std::exception& finding) {
        const std::lock_guard guard(mutex);
        ++found;
        std::cout << "seed " << first + i << ": " << finding.what() << std::endl;
      }
    }
  };
  std::vector<std::jthread> workers;
  for (unsigned i = 0; i < threads; ++i) {
    workers.emplace_back(live);
  }
  workers.clear();
  std::cout << seeds << " seeds from " << first << ": " << happened.events << " events, "
            << happened.alerts << " alerts, " << happened.pauses << " pauses, " << happened.restarts
            << " starts, " << happened.epochs_left << " files left; ";
  if (found == 0) {
    std::cout << "nothing wrong\n";
    return 0;
  }
  std::cout << found << " findings; --seed S tells what happened\n";
  return 1;
}

// A seed as it was written: strtoull() takes "-1" for 2^64 - 1, and what is too large likewise.
std::string not_a_seed(std::string& text) {
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  return error == std::errc{} && end == text.data() + text.size()
             ? ""
             : text + " is not a whole number from 0 to 18446744073709551615";
}

}  // namespace
}  // namespace heartbeat::simulation

int main(int argc, char** argv) {
  CLI::App app{
      "Simulates fleets of agents, their network and the machine of a monitor, each world "
      "from one seed, and checks what the monitor says against what happened. Ends with 1 "
      "if it found anything.",
      "simulate"};
  std::uint64_t seeds = 200;
  std::uint64_t first = 1;
  std::optional<std::uint64_t> seed;
  unsigned threads = std::max(1U, std::thread::hardware_concurrency());
  app.add_option("--seeds", seeds, "How many worlds")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
  app.add_option("--from", first, "The first one's seed")
      ->capture_default_str()
      ->check(CLI::Validator(heartbeat::simulation::not_a_seed, "SEED"));
  app.add_option("--threads", threads, "At once")->check(CLI::Range(1U, 1024U));
  app.add_option("--seed", seed, "Only this world, telling what happens")
      ->check(CLI::Validator(heartbeat::simulation::not_a_seed, "SEED"))
      ->excludes("--seeds");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return seed ? heartbeat::simulation::live_one(*seed)
              : heartbeat::simulation::live_many(first, seeds, threads);
}
