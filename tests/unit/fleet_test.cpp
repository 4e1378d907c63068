// What time does to runs: each deadline at its boundary.
#include <cstdint>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "unit/watched.hpp"

namespace heartbeat::core {

TEST_CASE("a run is stale once its silence exceeds the threshold, not when it reaches it") {
  Watched watched;
  watched.fold(make(register_), Duration{0});
  REQUIRE(watched.fleet.next_deadline() == start + seconds{10});
  REQUIRE(watched.advance(seconds{10}).empty());
  const Transitions out = watched.advance(seconds{10} + ms);
  REQUIRE(out.size() == 1);
  REQUIRE(out[0].kind == TransitionKind::stale);
  REQUIRE(out[0].idle == seconds{10} + ms);
  REQUIRE(out[0].threshold == seconds{10});
  REQUIRE(watched.fleet.runs_in_flight() == 1);
}

TEST_CASE("activity postpones staleness, idle does not") {
  Watched watched;
  watched.fold(make(register_), Duration{0});
  watched.fold(make(activity), seconds{5});
  watched.fold(make(idle), seconds{8});
  REQUIRE(watched.advance(seconds{15}).empty());
  REQUIRE(watched.advance(seconds{15} + ms).size() == 1);
}

TEST_CASE("a run times out once it exceeds its limit, whatever it does, and leaves flight") {
  Watched watched;
  watched.fold(make(register_), Duration{0});
  watched.fold(make(activity), seconds{59});
  REQUIRE(watched.advance(seconds{60}).empty());
  const Transitions out = watched.advance(seconds{60} + ms);
  REQUIRE(out.size() == 1);
  REQUIRE(out[0].kind == TransitionKind::timeout);
  REQUIRE(out[0].elapsed == seconds{60} + ms);
  REQUIRE(out[0].supersedes == 0);
  REQUIRE(watched.fleet.runs_in_flight() == 0);
  REQUIRE(watched.fleet.counters().runs_timed_out_total == 1);
}

TEST_CASE("a first warning and a timeout tell the deadline that was exceeded, repeats do not") {
  Limits limits = test_limits();
  limits.stale_warning_only_once = false;
  Watched watched(limits);
  watched.fold(make(register_), Duration{0});
  Transitions out = watched.advance(seconds{13});
  REQUIRE(out.size() == 1);
  CHECK(out[0].deadline == start + seconds{10});
  out = watched.advance(seconds{15});
  REQUIRE(out.size() == 1);
  CHECK_FALSE(out[0].deadline);
  out = watched.fold(make(activity), seconds{16});
  REQUIRE(out.size() == 1);
  CHECK_FALSE(out[0].deadline);
  out = watched.advance(seconds{70});
  REQUIRE(out.size() == 1);
  CHECK(out[0].kind == TransitionKind::timeout);
  CHECK(out[0].deadline == start + seconds{60});
}

TEST_CASE("a deadline that had passed when the run was heard of, or was moved, is nobody's delay") {
  Watched watched;
  Event late = make(register_);
  late.idle_for_ms = late.running_for_ms = seconds{50};
  watched.fold(late, Duration{0});
  Transitions out = watched.advance(seconds{1});
  REQUIRE(out.size() == 1);
  CHECK(out[0].kind == TransitionKind::stale);
  CHECK_FALSE(out[0].deadline);
  INFO("its next one is told");
  Limits limits = test_limits();
  limits.timeout_threshold_ms = seconds{20};
  watched.set_limits(limits, seconds{3});
  while (watched.fleet.requeue(1)) {
  }
  out = watched.advance(seconds{4});
  REQUIRE(out.size() == 1);
  CHECK(out[0].kind == TransitionKind::timeout);
  CHECK(out[0].deadline == start + seconds{3});
  late.running_for_ms = hours{1};
  late.agent_id = "another";
  watched.fold(late, seconds{5});
  out = watched.advance(seconds{6});
  REQUIRE(out.size() == 1);
  CHECK(out[0].kind == TransitionKind::timeout);
  CHECK_FALSE(out[0].deadline);
}

TEST_CASE("a register may bring its own limit for the run") {
  Watched watched;
  Event event = make(register_);
  event.timeout_after_ms = seconds{5};
  watched.fold(event, Duration{0});
  REQUIRE(watched.advance(seconds{5}).empty());
  const Transitions out = watched.advance(seconds{5} + ms);
  REQUIRE(out.size() == 1);
  REQUIRE(out[0].threshold == seconds{5});
}

TEST_CASE("a register that is already past the limit times out at once") {
  Watched watched;
  Event event = make(register_);
  event.running_for_ms = seconds{61};
  watched.fold(event, Duration{0});
  REQUIRE(watched.advance(Duration{0}).at(0).kind == TransitionKind::timeout);
}

TEST_CASE("where both deadlines have passed only the timeout fires") {
  Watched watched;
  watched.fold(make(register_), Duration{0});
  const Transitions out = watched.advance(seconds{61});
  REQUIRE(out.size() == 1);
  REQUIRE(out[0].kind == TransitionKind::timeout);
}

TEST_CASE("a timeout names the episode that it closes, and no resolved follows") {
  Watched watched;
  watched.fold(make(register_), Duration{0});
  const std::uint64_t episode = watched.advance(seconds{11}).at(0).episode;
  const Transitions out = watched.advance(seconds{61});
  REQUIRE(out.size() == 1);
  REQUIRE(out[0].supersedes == episode);
  REQUIRE(out[0].episode != episode);
}

TEST_CASE("a promise replaces the threshold from the event that makes it, longer or shorter") {
  Watched watched;
  watched.fold(make(register_), Duration{0});
  watched.fold(promise(idle, seconds{30}), seconds{5});
  REQUIRE(watched.advance(seconds{35}).empty());
  const Transitions out = watched.advance(seconds{35} + ms);
  REQUIRE(out.size() == 1);
  REQUIRE(out[0].threshold == seconds{30});
  REQUIRE(out[0].idle == seconds{35} + ms);

  watched.fold(promise(activity, seconds{2}), seconds{40});
  REQUIRE(watched.advance(seconds{42}).empty());
  REQUIRE(watched.advance(seconds{42} + ms).at(0).threshold == seconds{2});
}

TEST_CASE("the next activity ends a promise") {
  Watched watched;
  watched.fold(promise(register_, seconds{2}), Duration{0});
  watched.fold(make(activity), seconds{1});
  REQUIRE(watched.advance(seconds{11}).empty());
  REQUIRE(watched.advance(seconds{11} + ms).size() == 1);
}

TEST_CASE("an episode is warned of once, or at each check interval") {
  Limits limits = test_limits();
  limits.stale_warning_only_once = GENERATE(true, false);
  Watched watched(limits);
  watched.fold(make(register_), Duration{0});
  const Transitions first = watched.advance(seconds{11});
  REQUIRE(first.size() == 1);
  REQUIRE(watched.advance(seconds{12}).empty());
  const Transitions repeat = watched.advance(seconds{12} + ms);
  REQUIRE(repeat.size() == (limits.stale_warning_only_once ? 0 : 1));
  if (!repeat.empty()) {
    REQUIRE(repeat[0].episode == first[0].episode);
    REQUIRE(repeat[0].kind == TransitionKind::stale);
    REQUIRE(watched.advance(seconds{13} + ms).empty());
    REQUIRE(watched.advance(seconds{13} + 2 * ms).size() == 1);
  }
  REQUIRE(watched.fold(make(activity), seconds{14}).size() == 1);
  REQUIRE(watched.advance(seconds{20}).empty());
}

TEST_CASE("a later silence opens a new episode, unless there is one warning per registration") {
  Limits limits = test_limits();
  limits.stale_rearm = GENERATE(true, false);
  Watched watched(limits);
  watched.fold(make(register_), Duration{0});
  REQUIRE(watched.advance(seconds{11}).size() == 1);
  REQUIRE(watched.fold(make(activity), seconds{12}).size() == 1);
  const Transitions later = watched.advance(seconds{23});
  REQUIRE(watched.fleet.runs_stale() == 1);
  REQUIRE(later.size() == (limits.stale_rearm ? 1 : 0));
  if (!later.empty()) {
    REQUIRE(later[0].episode == 2);
  }
  watched.fold(make(register_), seconds{24});
  REQUIRE(watched.advance(seconds{35}).size() == 1);
}

TEST_CASE("equal deadlines fire in order of registration, others by deadline") {
  Watched watched;
  const std::vector<std::string> names{"c", "a", "b"};
  for (const std::string& name : names) {
    watched.fold(make(register_, name), Duration{0});
  }
  Event late = make(register_, "first");
  late.idle_for_ms = seconds{1};
  watched.fold(late, Duration{0});
  std::vector<std::string> fired;
  for (const Transition& transition : watched.advance(seconds{11})) {
    fired.push_back(transition.agent_id);
  }
  REQUIRE(fired == std::vector<std::string>{"first", "c", "a", "b"});
}

TEST_CASE("a run whose register was read late begins when its events say") {
  Watched watched;
  watched.fleet.read_to(start);
  watched.fold(make(register_), seconds{30});
  watched.fleet.read_to(start + seconds{30});
  const auto activity_of = [](Duration running_for) {
    Event event = make(activity);
    event.running_for_ms = running_for;
    return event;
  };
  const auto zombies = [&] { return watched.fleet.counters().events_zombie_total; };
  watched.fold(activity_of(seconds{37}), seconds{31});
  CHECK(zombies() == 1);  // it cannot have been sent before the monitor had read all
  watched.fold(activity_of(seconds{29}), seconds{31});
  watched.fold(activity_of(seconds{33}), seconds{34});
  CHECK(zombies() == 1);
  CHECK(watched.fleet.find("pm", "")->started == start + seconds{2});
  watched.fold(activity_of(seconds{40}), seconds{35});
  CHECK(zombies() == 2);
  watched.advance(seconds{40});
  CHECK(watched.advance(seconds{62} + ms).at(0).kind == TransitionKind::timeout);
}

}  // namespace heartbeat::core
