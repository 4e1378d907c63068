#include "session.hpp"

#include "client/sockets.hpp"
#include "output.hpp"
#include "stop.hpp"

namespace heartbeat::hbload {
namespace {

constexpr int bar_looks = 50;  // from one drawing of the bar to the next

std::optional<std::uint64_t> grown(std::optional<std::uint64_t> before,
                                   std::optional<std::uint64_t> after) {
  return before && after ? std::optional{*after - *before} : std::nullopt;
}

}  // namespace

Session::Session(const LoadOptions& options)
    : options_(options), receiver_(options.endpoints.status, signals_.fd()) {}

bool Session::interrupted() const { return client::readable(signals_.fd()); }

std::optional<Counts> Session::register_all(Load& load, const Counts& before) {
  if (!load.wait_for_subscriptions(stop_fd())) {
    fail(exit_silent, "nobody listens at " + options_.endpoints.events);
    return std::nullopt;
  }
  load.start_registering();
  watch(
      "registering", [&] { return load.finished(); },
      [&] { return static_cast<double>(load.events()) / static_cast<double>(options_.agents); });
  auto counts = receiver_.wait_until_read(before, load.messages(), load.events());
  if (!counts || interrupted()) {
    fail(exit_silent, receiver_.why());
    return std::nullopt;
  }
  return counts;
}

void Session::watch(const std::string& what, const std::function<bool()>& done,
                    const std::function<double()>& share) const {
  ProgressBar bar;
  for (int look = 0; !done() && !interrupted(); ++look) {
    if (look % bar_looks == 0) {
      bar.show(what, share());
    }
    rest(stop_fd());
  }
}

int Session::fail(int code, const std::string& why) {
  exit_code_ = interrupted() ? exit_interrupted : code;
  if (exit_code_ == exit_interrupted) {
    return exit_code_;
  }
  if (options_.json) {
    print(Json{{"success", false}, {"error", why}}.dump());
  } else {
    complain(why);
  }
  return exit_code_;
}

Losses::Losses(const Counts& before, const Counts& after)
    : rejected(grown(before.rejected(), after.rejected())) {
  const auto of = [&](const char* name) { return grown(before.of(name), after.of(name)); };
  lost = of("events_lost_total");
  duplicate = of("events_duplicate_total");
  zombie = of("events_zombie_total");
}

bool Losses::none() const {
  return lost.value_or(0) + rejected.value_or(0) + duplicate.value_or(0) + zombie.value_or(0) == 0;
}

void Losses::add_to(Json& report) const {
  const auto add = [&](const char* name, std::optional<std::uint64_t> count) {
    report[name] = count ? Json(*count) : Json(nullptr);
  };
  add("events_lost_total", lost);
  add("events_rejected_total", rejected);
  add("events_duplicate_total", duplicate);
  add("events_zombie_total", zombie);
}

std::string Losses::text() const {
  const auto of = [](std::optional<std::uint64_t> count) {
    return count ? grouped(*count) : std::string("unknown");
  };
  return "lost " + of(lost) + ", rejected " + of(rejected) + ", duplicate " + of(duplicate) +
         ", zombie " + of(zombie);
}

}  // namespace heartbeat::hbload
