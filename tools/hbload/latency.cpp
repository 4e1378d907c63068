// How long after its deadline an alert reaches a subscriber, while a load runs.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "bus/clock.hpp"
#include "delays.hpp"
#include "heard.hpp"
#include "load.hpp"
#include "options.hpp"
#include "output.hpp"
#include "receiver.hpp"
#include "session.hpp"
#include "silences.hpp"

namespace heartbeat::hbload {
namespace {

// An alert that has not come so long after the last deadline, and after the last that came, is
// missing.
constexpr std::chrono::seconds alert_wait{10};

struct Measured {
  Delays delays;
  std::size_t overloaded;
  double load_per_s;
  WallTime due_at;  // the last deadline
};

// Ends the threads before what they use, however the measuring ends.
class Threads {
 public:
  ~Threads() { join(); }
  void join() {
    stopped = true;
    threads_.clear();
  }
  template <class Work>
  void start(Work work) {
    threads_.emplace_back([this, work] {
      try {
        work(stopped);
      } catch (...) {
        if (!failed.exchange(true)) {
          failure_ = std::current_exception();  // for join_and_throw()
        }
      }
    });
  }
  void join_and_throw() {
    join();
    if (failed) {
      std::rethrow_exception(failure_);
    }
  }

  std::atomic<bool> stopped{false};
  std::atomic<bool> failed{false};

 private:
  std::exception_ptr failure_;
  std::vector<std::jthread> threads_;
};

// nullopt: interrupted.
std::optional<Measured> measure(Session& session, const LoadOptions& options,
                                const LatencyOptions& verb, Load& load, Silences& silences) {
  Heard heard(options.endpoints, silences, verb.silent);
  std::atomic<bool> promised{false};
  const std::uint64_t events = load.events();
  const auto began = SteadyClock::now();
  Threads threads;
  threads.start([&](const std::atomic<bool>& stopped) { heard.listen(stopped); });
  load.start(count_max, static_cast<double>(seconds_max));
  threads.start([&](const std::atomic<bool>& stopped) {
    silences.promise_all(stopped);
    promised = true;
  });
  std::size_t heard_of = 0;
  auto moved = began;
  const auto all_over = [&] {
    if (heard.count() > heard_of) {
      heard_of = heard.count();
      moved = SteadyClock::now();
    }
    return threads.failed || heard_of == verb.silent ||
           (promised &&
            SteadyClock::now() > std::max(moved, silences.deadlines().back()) + alert_wait);
  };
  session.watch("alerts", all_over, [&] {
    return static_cast<double>(heard.count()) / static_cast<double>(verb.silent);
  });
  const double load_s = std::chrono::duration<double>(SteadyClock::now() - began).count();
  const auto sent = static_cast<double>(load.events() - events);
  load.stop();
  threads.join_and_throw();
  if (session.interrupted()) {
    return std::nullopt;
  }
  const auto& deadlines = silences.deadlines();
  const auto since_last = std::chrono::floor<Duration>(
      SteadyClock::now() - *std::max_element(deadlines.begin(), deadlines.end()));
  return Measured{
      {deadlines, heard.at()}, heard.overloaded(), sent / load_s, bus::wall_now() - since_last};
}

void report(const LoadOptions& options, const Measured& measured, const Losses& losses,
            bool success) {
  const Delays& delays = measured.delays;
  if (options.json) {
    Json json{{"success", success},
              {"agents", options.agents},
              {"load_events_per_s", measured.load_per_s},
              {"silent", delays.ms.size() + delays.missing},
              {"deadlines_within_ms", delays.deadlines_within_ms},
              {"due_at", measured.due_at.time_since_epoch().count()},
              {"p50_ms", delays.percentile_ms(0.5)},
              {"p99_ms", delays.percentile_ms(0.99)},
              {"p999_ms", delays.percentile_ms(0.999)},
              {"max_ms", delays.percentile_ms(1)},
              {"missing", delays.missing},
              {"early", delays.early},
              {"earliest_ms", delays.percentile_ms(0)},
              {"overloaded", measured.overloaded}};
    losses.add_to(json);
    print(json.dump());
    return;
  }
  print(grouped(delays.ms.size()) + " alerts, " + grouped(options.agents) + " runs beside them, " +
        grouped(static_cast<std::uint64_t>(measured.load_per_s)) + " events a second");
  print("after the deadline: p50 " + decimal(delays.percentile_ms(0.5), 2) + " ms, p99 " +
        decimal(delays.percentile_ms(0.99), 2) + " ms, p99.9 " +
        decimal(delays.percentile_ms(0.999), 2) + " ms, max " +
        decimal(delays.percentile_ms(1), 2) + " ms");
  print("missing " + grouped(delays.missing) + ", early " + grouped(delays.early) +
        ", overloaded " + grouped(measured.overloaded));
  print(losses.text());
}

}  // namespace

int run_latency(const LoadOptions& options, const LatencyOptions& verb) {
  Session session(options);
  Receiver& receiver = session.receiver();
  const auto before = receiver.counts();
  if (!before) {
    return session.fail(exit_silent, receiver.why());
  }
  Load load(options);
  const auto registered = session.register_all(load, *before);
  if (!registered) {
    return session.exit_code();
  }
  Silences silences(options.endpoints.events, verb);
  if (!silences.wait_for_subscription(session.stop_fd())) {
    return session.fail(exit_silent, "nobody listens at " + options.endpoints.events);
  }
  const auto measured = measure(session, options, verb, load, silences);
  if (!measured) {
    return session.fail(exit_interrupted, "interrupted");
  }
  const auto after = receiver.wait_until_read(*before, load.messages() + silences.messages(),
                                              load.events() + verb.silent);
  if (!after) {
    return session.fail(exit_silent, receiver.why());
  }
  const Losses losses(*before, *after);
  const Delays& delays = measured->delays;
  const bool success = losses.none() && delays.missing == 0;
  report(options, *measured, losses, success);
  return success ? exit_ok : exit_no;
}

}  // namespace heartbeat::hbload
