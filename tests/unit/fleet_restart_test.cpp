// A fleet that goes on where another ended.
#include "support/catch.hpp"
#include "unit/watched.hpp"

namespace heartbeat::core {

TEST_CASE("what was sent while nobody read is not lost, whatever is sent again before") {
  Watched watched;
  Source source;
  source.name = "s";
  source.base = 1;
  source.highest = 10;
  source.window = ~std::uint64_t{0};
  source.heard = start;
  watched.fleet.restore(0, source);
  watched.fleet.resume(Numbers{}, start, {}, start);
  const Counters& counters = watched.fleet.counters();
  SECTION("doubles") { watched.fold(numbered(make(activity), 9), seconds{1}); }
  SECTION("the next one") { watched.fold(numbered(make(activity), 11), seconds{1}); }
  SECTION("nothing") {}
  const bool next = watched.fleet.source("s").seq == 11;
  watched.fold(numbered(make(activity), 40), seconds{2});
  CHECK(counters.events_lost_total == (next ? 28U : 0U));
  watched.fold(numbered(make(activity), 45), seconds{3});
  CHECK(counters.events_lost_total == (next ? 32U : 4U));
}

TEST_CASE("the first reload's grace does not grow with the pauses of earlier boots") {
  Watched watched;
  Numbers numbers;
  numbers.paused = hours{200};  // longer than this machine has been up
  watched.fleet.resume(numbers, start, {}, start);
  watched.fold(make(register_), Duration{0});
  Limits shorter = test_limits();
  shorter.stale_threshold_ms = seconds{1};
  watched.set_limits(shorter, seconds{5}, seconds{15});
  CHECK(watched.fleet.stale_deadline(*watched.fleet.find("pm", "")) == start + seconds{20});
}

TEST_CASE("a run that was forgotten does not stand in the way of the one that came after it") {
  Watched watched;
  const auto run_of = [](RunState state, std::uint64_t order) {
    Run run;
    run.state = state;
    run.order = order;
    run.started = run.last_activity = start;
    run.make_rare().ended_at = run.make_rare().last_zombie = start;
    run.texts.set(Text::agent_id, "pm");
    return run;
  };
  const bool forgotten_first = GENERATE(false, true);
  watched.fleet.restore(forgotten_first ? 0 : 1, run_of(RunState::ended, 1));
  watched.fleet.restore(2, run_of(RunState::running, 2));
  watched.fleet.restore(forgotten_first ? 1 : 0, run_of(RunState::ended, 1));
  watched.fleet.resume(Numbers{}, start, {}, start);
  CHECK(watched.fleet.runs_in_flight() == 1);
  CHECK(watched.fleet.tombstones() == 0);
  watched.fold(make(activity), seconds{1});
  CHECK(watched.fleet.counters().events_folded_total == 1);
  watched.fold(make(register_, "other"), seconds{1});
  CHECK(watched.fleet.runs_in_flight() == 2);
}

// A kill may leave a run in the file without the end of the one that made room for it.
TEST_CASE("runs beyond runs_max that a restart brings are watched, and none comes to them") {
  Limits limits = test_limits();
  limits.runs_max = 2;
  Watched watched(limits);
  for (const Slot slot : {0U, 1U, 2U}) {
    Run run;
    run.state = RunState::running;
    run.order = slot + 1;
    run.started = run.last_activity = start;
    run.texts.set(Text::agent_id, std::string{"a"} + std::to_string(slot));
    watched.fleet.restore(slot, std::move(run));
  }
  watched.fleet.resume(Numbers{}, start, {}, start);
  CHECK(watched.fold(make(register_, "other"), seconds{1}).size() == 1);
  CHECK(watched.fleet.runs_in_flight() == 3);
  watched.fold(make(unregister, "a0"), seconds{2});
  CHECK(watched.fold(make(register_, "other"), seconds{3}).empty());
  CHECK(watched.fleet.runs_in_flight() == 2);
  CHECK(watched.advance(seconds{3} + test_limits().stale_threshold_ms).size() == 2);
}

TEST_CASE("a pause within the grace of a restart does not use it up") {
  Watched watched;
  watched.fleet.resume(Numbers{}, start, {}, start + seconds{30});
  watched.fold(make(register_), Duration{0});
  const Run& run = *watched.fleet.find("pm", "");
  REQUIRE(watched.fleet.stale_deadline(run) == start + seconds{30});
  CHECK(watched.fleet.grace(run) == Fleet::Grace::restart);
  watched.fleet.paused(seconds{25});
  REQUIRE(watched.fleet.stale_deadline(run) == start + seconds{55});
}

TEST_CASE("of a silence all is told in which nobody watched, and nothing from before it") {
  Watched watched;
  Run run;
  run.state = RunState::running;
  run.started = run.last_activity = start - seconds{100};
  run.texts.set(Text::agent_id, "pm");
  watched.fleet.restore(0, std::move(run));
  watched.fleet.resume(Numbers{}, start,
                       {{start - seconds{300}, start - seconds{200}},
                        {start - seconds{110}, start - seconds{95}},
                        {start - seconds{50}, start - seconds{43}},
                        {start - seconds{3}, start}},
                       start);
  watched.fleet.paused(seconds{1});
  const Run& restored = *watched.fleet.find("pm", "");
  CHECK(watched.fleet.blind(restored, start + seconds{10}) == seconds{5 + 7 + 3 + 1});
  watched.fold(make(activity), seconds{20});
  CHECK(watched.fleet.blind(restored, start + seconds{30}) == seconds{0});
}

TEST_CASE("of a source that was not in the file, nothing is known to be lost") {
  Watched watched;
  Run run;
  run.state = RunState::running;
  run.texts.set(Text::agent_id, "pm");
  run.source = {0, 1, 5, 0};
  watched.fleet.restore(0, std::move(run));
  Numbers numbers;
  numbers.source_incarnations = 1;
  watched.fleet.resume(numbers, start, {}, start);
  const Run& restored = *watched.fleet.find("pm", "");
  CHECK(watched.fleet.lost_events(restored, start) == 0);
  CHECK(watched.fleet.source_name(restored, start).empty());
}

TEST_CASE("of a run that is ahead of its source in the file, nothing is known to be lost") {
  Watched watched;
  Source source;
  source.name = "s";
  source.base = 1;
  source.highest = 10;
  source.missing = 1;
  source.incarnation = 1;
  source.heard = start;
  Run run;
  run.state = RunState::running;
  run.texts.set(Text::agent_id, "pm");
  run.source = {0, 1, 12, 0};
  watched.fleet.restore(0, source);
  watched.fleet.restore(0, std::move(run));
  Numbers numbers;
  numbers.source_incarnations = 1;
  watched.fleet.resume(numbers, start, {}, start);
  CHECK(watched.fleet.lost_events(*watched.fleet.find("pm", ""), start) == 0);
}

}  // namespace heartbeat::core
