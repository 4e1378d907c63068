// How many events a receiver reads in a second, and what that costs it.
#include <poll.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "bus/signals.hpp"
#include "client/sockets.hpp"
#include "load.hpp"
#include "options.hpp"
#include "output.hpp"
#include "receiver.hpp"

namespace heartbeat::hbload {
namespace {

using Json = nlohmann::ordered_json;

constexpr int look_ms = 2;
constexpr int bar_looks = 50;  // from one drawing of the bar to the next

struct Taken {
  std::uint64_t events;
  std::uint64_t messages;
  double seconds;
  std::optional<double> cpu_ns;  // an event
};

double seconds_since(SteadyClock::time_point began) {
  return std::chrono::duration<double>(SteadyClock::now() - began).count();
}

std::optional<std::uint64_t> more(std::optional<std::uint64_t> before,
                                  std::optional<std::uint64_t> after) {
  return before && after ? std::optional{*after - *before} : std::nullopt;
}

class Throughput {
 public:
  Throughput(const LoadOptions& options, const ThroughputOptions& verb)
      : options_(options), verb_(verb), receiver_(options.endpoints.status, signals_.fd()) {}

  int run();

 private:
  int fail(int code, const std::string& why) const;
  bool stopped() const { return client::readable(signals_.fd()); }
  void watch(const Load& load, const char* what, const std::function<double()>& share);
  std::optional<Taken> measure(Load& load, const Counts& before);
  int report(const Taken& taken, double registered_in, const Counts& before, const Counts& after);

  const LoadOptions options_;
  const ThroughputOptions verb_;
  const bus::Signals signals_;
  Receiver receiver_;
};

int Throughput::fail(int code, const std::string& why) const {
  if (stopped()) {
    return exit_interrupted;
  }
  if (options_.json) {
    print(Json{{"success", false}, {"error", why}}.dump());
  } else {
    complain(why);
  }
  return code;
}

// Until the load has sent all, or this program is told to end.
void Throughput::watch(const Load& load, const char* what, const std::function<double()>& share) {
  ProgressBar bar;
  for (int look = 0; !load.finished() && !stopped(); ++look) {
    if (look % bar_looks == 0) {
      bar.show(what, share());
    }
    pollfd stop{signals_.fd(), POLLIN, 0};
    ::poll(&stop, 1, look_ms);
  }
}

int Throughput::run() {
  if (verb_.receiver && !processor_time(*verb_.receiver)) {
    return fail(exit_usage, "--receiver: there is no process " + std::to_string(*verb_.receiver));
  }
  const auto before = receiver_.counts();
  if (!before) {
    return fail(exit_silent, receiver_.why());
  }
  Load load(options_);
  if (!load.wait_for_subscriptions(signals_.fd())) {
    return fail(exit_silent, "nobody listens at " + options_.endpoints.events);
  }
  const auto began = SteadyClock::now();
  load.start_registering();
  watch(load, "registering",
        [&] { return static_cast<double>(load.events()) / static_cast<double>(options_.agents); });
  const auto registered = receiver_.wait_until_read(*before, load.messages(), load.events());
  if (!registered || stopped()) {
    return fail(exit_silent, receiver_.why());
  }
  const double registered_in = seconds_since(began);
  const auto taken = measure(load, *registered);
  const auto after = receiver_.counts();
  if (!taken || !after || stopped()) {
    return fail(exit_silent, receiver_.why());
  }
  return report(*taken, registered_in, *before, *after);
}

std::optional<Taken> Throughput::measure(Load& load, const Counts& before) {
  const std::uint64_t events = load.events();
  const std::uint64_t messages = load.messages();
  const auto cpu = verb_.receiver ? processor_time(*verb_.receiver) : std::nullopt;
  const auto began = SteadyClock::now();
  const double seconds = verb_.count ? static_cast<double>(seconds_max) : verb_.seconds;
  load.start(verb_.count.value_or(count_max), seconds);
  watch(load, "sending", [&] {
    return verb_.count
               ? static_cast<double>(load.events() - events) / static_cast<double>(*verb_.count)
               : seconds_since(began) / verb_.seconds;
  });
  Taken taken{load.events() - events, load.messages() - messages, 0, {}};
  if (stopped() || !receiver_.wait_until_read(before, taken.messages, taken.events)) {
    return std::nullopt;
  }
  taken.seconds = seconds_since(began);
  const auto cpu_after = verb_.receiver ? processor_time(*verb_.receiver) : std::nullopt;
  if (cpu && cpu_after && taken.events > 0) {
    taken.cpu_ns =
        static_cast<double>((*cpu_after - *cpu).count()) / static_cast<double>(taken.events);
  }
  return taken;
}

int Throughput::report(const Taken& taken, double registered_in, const Counts& before,
                       const Counts& after) {
  Json json{{"success", true},
            {"agents", options_.agents},
            {"batch", options_.batch},
            {"processes", options_.processes},
            {"registered_in_s", registered_in},
            {"events", taken.events},
            {"messages", taken.messages},
            {"wall_s", taken.seconds},
            {"events_per_s", static_cast<double>(taken.events) / taken.seconds},
            {"receiver_cpu_ns_per_event", nullptr}};
  if (taken.cpu_ns) {
    json["receiver_cpu_ns_per_event"] = *taken.cpu_ns;
  }
  const auto count = [&](const char* name, std::optional<std::uint64_t> number) {
    json[name] = number ? Json(*number) : Json(nullptr);
    return number.value_or(0);
  };
  const auto grown = [&](const char* name) {
    return count(name, more(before.of(name), after.of(name)));
  };
  const std::uint64_t lost = grown("events_lost_total");
  const std::uint64_t rejected =
      count("events_rejected_total", more(before.rejected(), after.rejected()));
  const std::uint64_t duplicate = grown("events_duplicate_total");
  const std::uint64_t zombie = grown("events_zombie_total");
  const bool whole = lost + rejected + duplicate + zombie == 0;
  json["success"] = whole;
  if (options_.json) {
    print(json.dump());
    return whole ? exit_ok : exit_no;
  }
  print(grouped(options_.agents) + " runs registered in " + decimal(registered_in, 2) + " s");
  print(grouped(taken.events) + " events in " + grouped(taken.messages) + " messages read in " +
        decimal(taken.seconds, 2) +
        " s: " + grouped(static_cast<std::uint64_t>(json["events_per_s"])) + " events a second");
  if (taken.cpu_ns) {
    print("the receiver's processor time: " + decimal(*taken.cpu_ns, 0) + " ns an event");
  }
  print("lost " + grouped(lost) + ", rejected " + grouped(rejected) + ", duplicate " +
        grouped(duplicate) + ", zombie " + grouped(zombie));
  return whole ? exit_ok : exit_no;
}

}  // namespace

int run_throughput(const LoadOptions& options, const ThroughputOptions& verb) {
  return Throughput(options, verb).run();
}

}  // namespace heartbeat::hbload
