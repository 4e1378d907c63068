// How many events a receiver reads in a second, and what that costs it.
#include <chrono>
#include <optional>
#include <string>

#include "load.hpp"
#include "options.hpp"
#include "output.hpp"
#include "receiver.hpp"
#include "session.hpp"

namespace heartbeat::hbload {
namespace {

struct Taken {
  std::uint64_t events;
  std::uint64_t messages;
  double seconds;
  std::optional<double> cpu_ns_per_event;
};

double seconds_since(SteadyClock::time_point began) {
  return std::chrono::duration<double>(SteadyClock::now() - began).count();
}

// From the first event to the answer that all were read. nullopt: interrupted, or not all were.
std::optional<Taken> measure(Session& session, Load& load, const ThroughputOptions& verb,
                             const Counts& before) {
  const std::uint64_t events = load.events();
  const std::uint64_t messages = load.messages();
  const auto cpu = [&] { return verb.receiver ? processor_time(*verb.receiver) : std::nullopt; };
  const auto cpu_before = cpu();
  const auto began = SteadyClock::now();
  const double seconds = verb.count ? static_cast<double>(seconds_max) : verb.seconds;
  load.start(verb.count.value_or(count_max), seconds);
  session.watch(
      "sending", [&] { return load.finished(); },
      [&] {
        const auto sent = static_cast<double>(load.events() - events);
        return verb.count ? sent / static_cast<double>(*verb.count)
                          : seconds_since(began) / seconds;
      });
  Taken taken{load.events() - events, load.messages() - messages, 0, {}};
  if (session.interrupted() ||
      !session.receiver().wait_until_read(before, taken.messages, taken.events)) {
    return std::nullopt;
  }
  taken.seconds = seconds_since(began);
  const auto cpu_after = cpu();
  if (cpu_before && cpu_after && taken.events > 0) {
    taken.cpu_ns_per_event =
        static_cast<double>((*cpu_after - *cpu_before).count()) / static_cast<double>(taken.events);
  }
  return taken;
}

void report(const LoadOptions& options, const Taken& taken, double registered_in_s,
            const Losses& losses) {
  const double events_per_s = static_cast<double>(taken.events) / taken.seconds;
  if (options.json) {
    Json json{{"success", losses.none()},
              {"agents", options.agents},
              {"batch", options.batch},
              {"processes", options.processes},
              {"registered_in_s", registered_in_s},
              {"events", taken.events},
              {"messages", taken.messages},
              {"wall_s", taken.seconds},
              {"events_per_s", events_per_s},
              {"receiver_cpu_ns_per_event", nullptr}};
    if (taken.cpu_ns_per_event) {
      json["receiver_cpu_ns_per_event"] = *taken.cpu_ns_per_event;
    }
    losses.add_to(json);
    print(json.dump());
    return;
  }
  print(grouped(options.agents) + " runs registered in " + decimal(registered_in_s, 2) + " s");
  print(grouped(taken.events) + " events in " + grouped(taken.messages) + " messages read in " +
        decimal(taken.seconds, 2) + " s: " + grouped(static_cast<std::uint64_t>(events_per_s)) +
        " events a second");
  if (taken.cpu_ns_per_event) {
    print("the receiver's processor time: " + decimal(*taken.cpu_ns_per_event, 0) + " ns an event");
  }
  print(losses.text());
}

}  // namespace

int run_throughput(const LoadOptions& options, const ThroughputOptions& verb) {
  Session session(options);
  if (verb.receiver && !processor_time(*verb.receiver)) {
    return session.fail(exit_usage,
                        "--receiver: there is no process " + std::to_string(*verb.receiver));
  }
  Receiver& receiver = session.receiver();
  const auto before = receiver.counts();
  if (!before) {
    return session.fail(exit_silent, receiver.why());
  }
  Load load(options);
  const auto began = SteadyClock::now();
  const auto registered = session.register_all(load, *before);
  if (!registered) {
    return session.exit_code();
  }
  const double registered_in_s = seconds_since(began);
  const auto taken = measure(session, load, verb, *registered);
  const auto after = receiver.counts();
  if (!taken || !after) {
    return session.fail(exit_silent, receiver.why());
  }
  const Losses losses(*before, *after);
  report(options, *taken, registered_in_s, losses);
  return losses.none() ? exit_ok : exit_no;
}

}  // namespace heartbeat::hbload
