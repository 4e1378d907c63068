// Many that fall silent together, and the monitor's own pauses.
#include <cstddef>
#include <string>

#include "support/catch.hpp"
#include "unit/watched.hpp"

namespace heartbeat::core {
namespace {

// Runs "0", "1", … of one agent; those in [first, end) register at `at`.
void register_runs(Watched& watched, int first, int end, Duration at) {
  for (int run = first; run < end; ++run) {
    watched.fold(make(register_, "pm", std::to_string(run)), at);
  }
}

Transitions of_kind(const Transitions& all, TransitionKind kind) {
  Transitions some;
  for (const Transition& transition : all) {
    if (transition.kind == kind) {
      some.push_back(transition);
    }
  }
  return some;
}

}  // namespace

TEST_CASE("ten silent runs that are more than half of those in flight are a storm") {
  Watched watched;
  register_runs(watched, 0, 10, Duration{0});
  register_runs(watched, 10, 19, seconds{9});
  const Transitions out = watched.advance(seconds{10} + ms);
  REQUIRE(out.size() == 11);
  for (std::size_t i = 0; i < 10; ++i) {
    REQUIRE((out[i].kind == TransitionKind::stale && out[i].storm == 0));
  }
  const Transition& storm = out[10];
  REQUIRE(storm.kind == TransitionKind::storm);
  REQUIRE((storm.runs == 10 && storm.of_runs == 19));
  REQUIRE(storm.since == 10);  // the first of the ten warnings before it
  REQUIRE(storm.agent_id.empty());
  REQUIRE(watched.fleet.in_storm());
}

TEST_CASE("neither nine runs nor half of those in flight are a storm") {
  Watched nine;
  register_runs(nine, 0, 9, Duration{0});
  REQUIRE(nine.advance(seconds{20}).size() == 9);
  Watched half;
  register_runs(half, 0, 10, Duration{0});
  register_runs(half, 10, 20, seconds{9});
  REQUIRE(half.advance(seconds{10} + ms).size() == 10);
  // One of the others ends: ten of nineteen.
  const Transitions out = half.fold(make(unregister, "pm", "19"), seconds{11});
  REQUIRE(out.size() == 1);
  REQUIRE(out[0].kind == TransitionKind::storm);
}

TEST_CASE("silences further apart than five seconds are not one storm") {
  Watched apart;
  register_runs(apart, 0, 1, Duration{0});
  register_runs(apart, 1, 10, seconds{5} + ms);
  REQUIRE(apart.advance(seconds{10} + ms).size() == 1);
  REQUIRE(apart.advance(seconds{15} + 2 * ms).size() == 9);
  REQUIRE_FALSE(apart.fleet.in_storm());
  Watched together;
  register_runs(together, 0, 1, Duration{0});
  register_runs(together, 1, 10, seconds{5});
  REQUIRE(together.advance(seconds{10} + ms).size() == 1);
  REQUIRE(together.advance(seconds{15} + ms).size() == 10);
  REQUIRE(together.fleet.in_storm());
}

TEST_CASE("while a storm lasts, warnings and timeouts name it, and nothing is held back") {
  Watched watched;
  register_runs(watched, 0, 12, Duration{0});
  register_runs(watched, 12, 13, seconds{2});
  Transitions out = watched.advance(seconds{10} + ms);
  const Transitions storms = of_kind(out, TransitionKind::storm);
  REQUIRE(storms.size() == 1);
  REQUIRE(of_kind(out, TransitionKind::stale).size() == 12);
  REQUIRE((out.back().kind == TransitionKind::stale && out.back().storm == storms[0].episode));
  out = watched.advance(seconds{12} + ms);
  REQUIRE((out.size() == 1 && out[0].storm == storms[0].episode));
  out = watched.fold(make(activity, "pm", "12"), seconds{13});
  REQUIRE((out.size() == 1 && out[0].storm == 0));  // a resolved belongs to none
  out = of_kind(watched.advance(seconds{60} + ms), TransitionKind::timeout);
  REQUIRE(out.size() == 12);
  REQUIRE(out[0].storm == storms[0].episode);
  REQUIRE(out[3].storm == storms[0].episode);
  REQUIRE(out[4].storm == 0);  // nine are left
}

TEST_CASE("a storm subsides when fewer than ten runs, or at most a quarter, are stale") {
  Watched few;
  register_runs(few, 0, 10, Duration{0});
  REQUIRE(few.advance(seconds{10} + ms).size() == 11);
  Transitions out = few.fold(make(activity, "pm", "0"), seconds{11});
  REQUIRE(out.size() == 2);
  REQUIRE((out[1].kind == TransitionKind::resolved && out[1].reason == Reason::subsided));
  REQUIRE((out[1].ends == TransitionKind::storm && out[1].runs == 9 && out[1].of_runs == 10));
  REQUIRE_FALSE(few.fleet.in_storm());

  Watched quarter;
  register_runs(quarter, 0, 10, Duration{0});
  REQUIRE(quarter.advance(seconds{10} + ms).size() == 11);
  register_runs(quarter, 10, 39, seconds{11});
  REQUIRE(quarter.fleet.in_storm());
  out = quarter.fold(make(register_, "pm", "39"), seconds{11});  // ten of forty
  REQUIRE((out.size() == 1 && out[0].ends == TransitionKind::storm));
}

TEST_CASE("a silence that was not warned of is no part of a storm") {
  Limits limits = test_limits();
  limits.stale_rearm = false;
  limits.timeout_threshold_ms = hours{1};
  Watched watched{limits};
  register_runs(watched, 0, 9, Duration{0});
  REQUIRE(watched.advance(seconds{11}).size() == 9);
  for (int run = 0; run < 9; ++run) {
    watched.fold(make(activity, "pm", std::to_string(run)), seconds{12});
  }
  register_runs(watched, 9, 12, seconds{12});
  REQUIRE(watched.advance(seconds{23}).size() == 3);
  REQUIRE(watched.fleet.runs_stale() == 12);
  REQUIRE_FALSE(watched.fleet.in_storm());
}

TEST_CASE("of a storm are the runs that made it one and those after them, and none before") {
  Watched watched;
  watched.fold(promise(register_, seconds{1}), Duration{0});
  watched.advance(seconds{1} + ms);
  register_runs(watched, 0, 12, seconds{3});
  watched.advance(seconds{13} + ms);
  REQUIRE(watched.fleet.in_storm());
  const auto is_of_it = [&](std::string_view run_id) {
    return watched.fleet.in_storm(*watched.fleet.find("pm", run_id));
  };
  CHECK_FALSE(is_of_it(""));
  CHECK(is_of_it("0"));
  CHECK(is_of_it("11"));
  register_runs(watched, 12, 14, seconds{14});
  CHECK_FALSE(is_of_it("13"));
  watched.advance(seconds{24} + ms);
  CHECK(is_of_it("13"));
}

TEST_CASE("a pause of the monitor moves silence's deadline, and no other") {
  Watched watched;
  watched.fold(make(register_), Duration{0});
  watched.fleet.paused(seconds{20});
  REQUIRE(watched.advance(seconds{30}).empty());
  Transitions out = watched.advance(seconds{30} + ms);
  REQUIRE(out.size() == 1);
  REQUIRE(out[0].kind == TransitionKind::stale);
  REQUIRE(out[0].idle == seconds{30} + ms);
  REQUIRE(out[0].blind == seconds{20});
  REQUIRE(watched.advance(seconds{60}).empty());
  out = watched.advance(seconds{60} + ms);
  REQUIRE((out.size() == 1 && out[0].kind == TransitionKind::timeout));
}

TEST_CASE("a pause moves a promise too, and counts only for silences that it falls into") {
  Watched watched;
  watched.fleet.paused(seconds{5});
  watched.fold(promise(register_, seconds{20}), Duration{0});
  watched.fleet.paused(seconds{3});
  REQUIRE(watched.advance(seconds{23}).empty());
  Transitions out = watched.advance(seconds{23} + ms);
  REQUIRE((out.size() == 1 && out[0].blind == seconds{3}));
  watched.fold(make(activity), seconds{24});
  out = watched.advance(seconds{34} + ms);
  REQUIRE((out.size() == 1 && out[0].blind == Duration{0}));
}

TEST_CASE("activity that is within the threshold but for a pause makes the run fresh") {
  Watched watched;
  watched.fold(make(register_), Duration{0});
  REQUIRE(watched.advance(seconds{11}).size() == 1);
  watched.fleet.paused(seconds{30});
  Event late = make(activity);
  late.idle_for_ms = seconds{45};  // longer ago than what is known already
  REQUIRE(watched.fold(late, seconds{40}).size() == 1);
}

}  // namespace heartbeat::core
