// How long after its deadline an alert reaches a subscriber, while a load runs.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <exception>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "bus/clock.hpp"
#include "heartbeat/alert_subscriber.hpp"
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
constexpr Duration look{100};

// Alerts about silent agents, as a consumer gets them: by number of the agent, the first of each.
class Heard {
 public:
  Heard(const Endpoints& endpoints, const Silences& silences, std::size_t silent)
      : subscriber_(endpoints), silences_(silences), at_(silent) {
    // What is raised from here on is handed on.
    (void)subscriber_.next(-1, Duration{0});
  }

  // Until all were heard, or `stopped`.
  void listen(const std::atomic<bool>& stopped) {
    while (count_ < at_.size() && !stopped) {
      if (const auto notice = subscriber_.next(-1, look)) {
        note(*notice);
      }
    }
  }
  std::size_t count() const { return count_; }
  std::size_t overloaded() const { return overloaded_; }
  const std::vector<std::optional<SteadyClock::time_point>>& at() const { return at_; }

 private:
  void note(const AlertSubscriber::Notice& notice) {
    if (notice.event != AlertSubscriber::Event::alert || notice.alert.kind != "stale") {
      return;
    }
    const auto number = silences_.number_of(notice.alert.agent_id);
    if (number && !at_[*number]) {
      at_[*number] = SteadyClock::now();
      overloaded_ += notice.alert.overloaded ? 1U : 0U;
      ++count_;
    }
  }

  AlertSubscriber subscriber_;
  const Silences& silences_;
  std::vector<std::optional<SteadyClock::time_point>> at_;
  std::size_t overloaded_ = 0;
  std::atomic<std::size_t> count_{0};
};

struct Delays {
  Delays(const std::vector<SteadyClock::time_point>& deadlines,
         const std::vector<std::optional<SteadyClock::time_point>>& heard);
  // `share` of the delays are no longer than this. Of none, 0.
  double percentile(double share) const;

  std::vector<double> ms;  // in order
  std::size_t missing = 0;
  std::size_t early = 0;  // the monitor reads its clock once a turn: at most so long before
  double deadlines_within_ms = 0;
};

double whole_ms(SteadyClock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

Delays::Delays(const std::vector<SteadyClock::time_point>& deadlines,
               const std::vector<std::optional<SteadyClock::time_point>>& heard) {
  for (std::size_t agent = 0; agent < deadlines.size(); ++agent) {
    if (!heard[agent]) {
      ++missing;
      continue;
    }
    ms.push_back(whole_ms(*heard[agent] - deadlines[agent]));
    early += ms.back() < 0 ? 1U : 0U;
  }
  std::sort(ms.begin(), ms.end());
  const auto [first, last] = std::minmax_element(deadlines.begin(), deadlines.end());
  deadlines_within_ms = whole_ms(*last - *first);
}

double Delays::percentile(double share) const {
  if (ms.empty()) {
    return 0;
  }
  const double rank = std::ceil(share * static_cast<double>(ms.size()));
  return ms[std::max<std::size_t>(static_cast<std::size_t>(rank), 1) - 1];
}

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
        // Told by join_and_throw(); the other thread must not wait for ever.
        failure_ = std::current_exception();
        failed = true;
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
              {"p50_ms", delays.percentile(0.5)},
              {"p99_ms", delays.percentile(0.99)},
              {"p999_ms", delays.percentile(0.999)},
              {"max_ms", delays.percentile(1)},
              {"missing", delays.missing},
              {"early", delays.early},
              {"earliest_ms", delays.percentile(0)},
              {"overloaded", measured.overloaded}};
    losses.add_to(json);
    print(json.dump());
    return;
  }
  print(grouped(delays.ms.size()) + " alerts, " + grouped(options.agents) + " runs beside them, " +
        grouped(static_cast<std::uint64_t>(measured.load_per_s)) + " events a second");
  print("after the deadline: p50 " + decimal(delays.percentile(0.5), 2) + " ms, p99 " +
        decimal(delays.percentile(0.99), 2) + " ms, p99.9 " + decimal(delays.percentile(0.999), 2) +
        " ms, max " + decimal(delays.percentile(1), 2) + " ms");
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
  const auto after = receiver.wait_until_read(*before, load.messages(), load.events());
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
