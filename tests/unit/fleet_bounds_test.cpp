// What the fleet keeps and for how long: sources, tombstones, runs, and how runs are found.
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "unit/watched.hpp"

namespace heartbeat::core {

TEST_CASE("an alert says how many events of its source were lost after the run's last event") {
  Watched watched;
  watched.fold(numbered(make(register_), 1), Duration{0});
  watched.fold(numbered(make(register_, "other"), 5), seconds{9});
  const Transitions out = watched.advance(seconds{11});
  REQUIRE(out.size() == 1);
  REQUIRE(out[0].lost_events == 3);
  REQUIRE(watched.fleet.counters().events_lost_total == 3);
}

TEST_CASE("a grace that an old activity had is over with the next one, also after a pause") {
  Watched watched;
  watched.fold(make(register_), Duration{0});
  Limits shorter = test_limits();
  shorter.stale_threshold_ms = seconds{1};
  watched.fleet.set_limits(shorter, start + seconds{5}, seconds{30});
  REQUIRE_FALSE(watched.fleet.requeue(10));
  watched.fleet.paused(seconds{6});
  Event old = make(activity);
  old.idle_for_ms = seconds{9};
  watched.fold(old, seconds{12});
  REQUIRE(watched.advance(seconds{12}).empty());
  watched.fold(make(activity), seconds{13});
  REQUIRE(watched.advance(seconds{14} + ms).size() == 1);
}

TEST_CASE("a source that is heard within the hour is kept, however long it has been known") {
  Watched watched;
  watched.fold(numbered(make(register_), 1), Duration{0});
  watched.fold(numbered(make(activity), 2), minutes{59});
  watched.advance(hours{1} + minutes{30});
  REQUIRE(watched.fleet.source("s").seq == 2);
  watched.advance(hours{1} + minutes{59} + ms);
  REQUIRE(watched.fleet.source("s").seq == 0);
  REQUIRE(watched.fleet.sources() == 0);
}

TEST_CASE("a source that was not heard from for an hour is forgotten, with what it lost") {
  Limits limits = test_limits();
  limits.stale_threshold_ms = hours{1} + seconds{1};
  limits.timeout_threshold_ms = hours{10};
  Watched watched(limits);
  watched.fold(numbered(make(register_), 1), Duration{0});
  watched.fold(numbered(make(register_, "other"), 5), Duration{0});
  REQUIRE(watched.advance(hours{1} + seconds{1} + ms).at(0).lost_events == 0);
  REQUIRE(watched.fleet.sources() == 0);
  watched.fold(numbered(make(activity), 5), hours{2});
  REQUIRE(watched.fleet.counters().events_duplicate_total == 0);
}

TEST_CASE("sequence numbers tell duplicates, late events, losses and restarts") {
  Watched watched;
  const auto after = [&](const Event& event) {
    watched.fold(event, Duration{0});
    return watched.fleet.counters();
  };
  REQUIRE(after(numbered(make(register_), 100)).events_lost_total == 0);
  REQUIRE(after(numbered(make(activity), 100)).events_duplicate_total == 1);
  REQUIRE(after(numbered(make(activity), 103)).events_lost_total == 2);
  REQUIRE(after(numbered(make(activity), 102)).events_late_total == 1);
  REQUIRE(after(numbered(make(activity), 102)).events_duplicate_total == 2);
  REQUIRE(after(numbered(make(activity), 39)).events_late_total == 2);
  REQUIRE(after(numbered(make(activity), 1'000'103)).events_lost_total == 2 + 999'999);
  REQUIRE(watched.fleet.counters().sources_restarted_total == 0);
  REQUIRE(after(numbered(make(activity), 2'000'104)).sources_restarted_total == 1);
  REQUIRE(after(numbered(make(activity), 2'000'039)).sources_restarted_total == 2);
  REQUIRE(after(numbered(make(register_), 1)).sources_restarted_total == 3);
  REQUIRE(after(numbered(make(register_), 1)).events_duplicate_total == 3);
  Event rejected = numbered(make(activity), 2);
  rejected.rejected = Rejection::too_long;
  after(rejected);
  REQUIRE(after(numbered(make(activity), 2)).events_duplicate_total == 4);
  REQUIRE(watched.fleet.source("s").seq == 2);
  REQUIRE(watched.fleet.source("s").rejected == 1);
}

TEST_CASE("beyond 100,000 sources the one that was not heard for longest goes") {
  Watched watched;
  const auto hear = [&](std::uint64_t source, std::uint64_t seq, Duration at = {}) {
    const std::string name = std::to_string(source);
    Event event = make(activity);
    event.source = name;
    event.seq = seq;
    watched.fold(event, at);
  };
  for (std::uint64_t source = 0; source < sources_max; ++source) {
    hear(source, 1);
  }
  hear(0, 2, 1 * ms);
  REQUIRE(watched.fleet.counters().sources_evicted_total == 0);
  hear(sources_max, 1, 1 * ms);
  REQUIRE(watched.fleet.sources() == sources_max);
  REQUIRE(watched.fleet.counters().sources_evicted_total == 1);
  REQUIRE(watched.fleet.source("0").seq == 2);
  REQUIRE(watched.fleet.source("1").seq == 0);
  REQUIRE(watched.fleet.source("2").seq == 1);
}

TEST_CASE("an event that comes late hides no loss that comes after it") {
  Watched watched;
  watched.fold(numbered(make(register_, "a"), 1), Duration{0});
  watched.fold(numbered(make(activity, "a"), 3), Duration{0});
  watched.fold(numbered(make(register_, "b"), 2), Duration{0});
  watched.fold(numbered(make(activity, "b"), 5), Duration{0});
  REQUIRE(watched.fleet.lost_events(*watched.fleet.find("a", ""), start) == 1);
  REQUIRE(watched.fleet.lost_events(*watched.fleet.find("b", ""), start) == 0);
}

TEST_CASE("an event from before the first that was seen fills no gap") {
  Watched watched;
  watched.fold(numbered(make(register_, "a"), 10), Duration{0});
  watched.fold(numbered(make(register_, "b"), 12), Duration{0});
  watched.fold(numbered(make(register_, "c"), 9), Duration{0});
  REQUIRE(watched.fleet.lost_events(*watched.fleet.find("a", ""), start) == 1);
  watched.fold(numbered(make(register_, "d"), 100), Duration{0});  // far beyond the window
  REQUIRE(watched.fleet.lost_events(*watched.fleet.find("a", ""), start) == 1 + 87);
  REQUIRE(watched.fleet.lost_events(*watched.fleet.find("b", ""), start) == 87);
}

TEST_CASE("what a late event brings is no longer lost") {
  Watched watched;
  watched.fold(numbered(make(register_, "c"), 1), Duration{0});
  watched.fold(numbered(make(activity, "b"), 3), Duration{0});
  REQUIRE(watched.fleet.lost_events(*watched.fleet.find("c", ""), start) == 1);
  watched.fold(numbered(make(activity, "a"), 2), Duration{0});
  REQUIRE(watched.fleet.lost_events(*watched.fleet.find("c", ""), start) == 0);
  REQUIRE(watched.fleet.lost_events(*watched.fleet.find("b", ""), start) == 0);
  REQUIRE(watched.fleet.counters().events_lost_total == 1);
}

TEST_CASE("one advance looks at no more deadlines, tombstones and sources than it may") {
  Limits limits = test_limits();
  limits.stale_threshold_ms = seconds{90};  // only the timeout is looked at
  limits.tombstone_ms = seconds{1};
  Watched watched(limits);
  for (std::uint64_t run = 0; run < 10; ++run) {
    const std::string name = std::to_string(run);
    Event event = make(register_, name);
    event.source = name;
    event.seq = 1;
    watched.fold(event, Duration{0});
  }
  Transitions out;
  const Instant timed_out = start + seconds{60} + ms;
  watched.fleet.advance(timed_out, timed_out, 4, out);
  REQUIRE(out.size() == 4);
  watched.fleet.advance(timed_out, timed_out, 100, out);
  REQUIRE(out.size() == 10);
  const Instant expired = start + hours{2};
  watched.fleet.advance(expired, expired, 4, out);
  REQUIRE(watched.fleet.tombstones() == 6);
  REQUIRE(watched.fleet.sources() == 6);
}

TEST_CASE("a scan looks at no more runs than it may") {
  Watched watched;
  for (int run = 0; run < 10; ++run) {
    watched.fold(make(register_, std::to_string(run)), Duration{0});
  }
  int visited = 0;
  const auto next = watched.fleet.scan(0, 4, [&](const Run&) { return ++visited > 0; });
  REQUIRE(visited == 4);
  REQUIRE(next == Slot{4});
}

TEST_CASE("a verdict for a lagging input is spoken now") {
  Watched watched;
  watched.fold(make(register_), Duration{0});
  Transitions out;
  watched.fleet.advance(start + seconds{10}, start + seconds{15}, 10, out);
  REQUIRE(out.empty());  // what was read so far does not prove more than 10 s of silence
  watched.fleet.advance(start + seconds{10} + ms, start + seconds{15}, 10, out);
  REQUIRE(out.size() == 1);
  REQUIRE(out[0].idle == seconds{15});
  watched.fleet.advance(start + seconds{60} + ms, start + seconds{65}, 10, out);
  REQUIRE(watched.fleet.tombstone("pm", "", start + seconds{65})->rare().ended_at ==
          start + seconds{65});
}

TEST_CASE("a tombstone lasts its time after the end or the last zombie") {
  Watched watched;
  watched.fold(make(register_), Duration{0});
  watched.fold(make(unregister), Duration{0});
  watched.fold(make(activity), minutes{30});
  REQUIRE(watched.fleet.counters().events_zombie_total == 1);
  watched.advance(minutes{90});
  REQUIRE(watched.fleet.tombstone("pm", "", start + minutes{90}) != nullptr);
  REQUIRE(watched.fleet.tombstone("pm", std::nullopt, start + minutes{90}) != nullptr);
  REQUIRE(watched.fleet.tombstone("pm", "", start + minutes{90} + ms) == nullptr);
  REQUIRE(watched.fleet.tombstone("pm", "other", start) == nullptr);
  watched.fold(make(activity), minutes{90} + ms);
  REQUIRE(watched.fleet.counters().runs_adopted_total == 1);
  REQUIRE(watched.fleet.find("pm", "") != nullptr);
  REQUIRE(watched.fleet.find("pm", "other") == nullptr);
}

TEST_CASE("there are at most as many tombstones as runs, the oldest go first") {
  Limits limits = test_limits();
  limits.runs_max = 2;
  Watched watched(limits);
  for (const std::string_view name : {"a", "b"}) {
    watched.fold(make(register_, name), Duration{0});
    watched.fold(make(unregister, name), Duration{0});
  }
  watched.fold(make(activity, "a"), ms);
  watched.fold(make(register_, "c"), ms);
  watched.fold(make(unregister, "c"), ms);
  REQUIRE(watched.fleet.tombstones() == 2);
  REQUIRE(watched.fleet.counters().tombstones_evicted_total == 1);
  REQUIRE(watched.fleet.tombstone("b", "", start + ms) == nullptr);
  REQUIRE(watched.fleet.tombstone("a", "", start + ms) != nullptr);
}

TEST_CASE("at runs_max a new run is rejected, told once, and resolved below 95 %") {
  Limits limits = test_limits();
  limits.runs_max = 20;
  Watched watched(limits);
  for (int run = 0; run < 20; ++run) {
    REQUIRE(watched.fold(make(register_, std::to_string(run)), Duration{0}).empty());
  }
  const Transitions full = watched.fold(make(register_), Duration{0});
  REQUIRE(full.size() == 1);
  REQUIRE(full[0].kind == TransitionKind::capacity);
  REQUIRE((full[0].runs == 20 && full[0].of_runs == 20 && full[0].agent_id.empty()));
  REQUIRE(watched.fold(make(activity), Duration{0}).empty());
  REQUIRE(watched.fleet.counters().events_rejected_total.back() == 2);
  REQUIRE(watched.fold(make(register_, "0"), Duration{0}).empty());

  REQUIRE(watched.fold(make(unregister, "0"), Duration{0}).empty());
  const Transitions room = watched.fold(make(unregister, "1"), Duration{0});
  REQUIRE(room.size() == 1);
  REQUIRE(room[0].kind == TransitionKind::resolved);
  REQUIRE(room[0].reason == Reason::subsided);
  REQUIRE(room[0].episode == full[0].episode);
  REQUIRE(room[0].runs == 18);
}

TEST_CASE("new limits hold for runs in flight once they are requeued") {
  Watched watched;
  watched.fold(make(register_, "a"), Duration{0});
  watched.fold(make(register_, "b"), Duration{0});
  Limits limits = test_limits();
  limits.stale_threshold_ms = seconds{2};
  watched.set_limits(limits);
  while (watched.fleet.requeue(1)) {
  }
  REQUIRE(watched.fleet.next_deadline() == start + seconds{2});
  REQUIRE(watched.advance(seconds{3}).size() == 2);
}

TEST_CASE("a silence that new limits would have ended before they came gets a grace") {
  Watched watched;
  watched.fold(make(register_, "quiet"), Duration{0});
  watched.fold(make(register_, "fresh"), seconds{7});
  Limits limits = test_limits();
  limits.stale_threshold_ms = seconds{3};
  watched.set_limits(limits, seconds{9}, seconds{20});
  while (watched.fleet.requeue(1)) {
  }
  // Its deadline is at 10 s, not in the past.
  Transitions out = watched.advance(seconds{10} + ms);
  REQUIRE((out.size() == 1 && out[0].agent_id == "fresh"));
  REQUIRE(watched.advance(seconds{29}).empty());
  out = watched.advance(seconds{29} + ms);
  REQUIRE((out.size() == 1 && out[0].agent_id == "quiet"));
  // Once heard again, the new limit holds as it is.
  watched.fold(make(activity, "quiet"), seconds{30});
  REQUIRE(watched.advance(seconds{33}).empty());
  REQUIRE(watched.advance(seconds{33} + ms).size() == 1);
}

TEST_CASE("whether a silence gets a grace for new limits does not depend on later pauses") {
  Watched watched;
  watched.fold(make(register_), Duration{0});
  Limits shorter = test_limits();
  shorter.stale_threshold_ms = seconds{1};
  watched.set_limits(shorter, seconds{5}, seconds{30});
  REQUIRE_FALSE(watched.fleet.requeue(10));
  watched.fleet.paused(seconds{9});
  Event old = make(activity);
  SECTION("where an event tells of an activity of before them") {
    old.idle_for_ms = seconds{13};
    watched.fold(old, seconds{16});
    REQUIRE(watched.advance(seconds{44}).empty());
    REQUIRE(watched.advance(seconds{44} + ms).size() == 1);
  }
  SECTION("where it tells of one of after them, which they are for") {
    old.idle_for_ms = seconds{10};
    watched.fold(old, seconds{16});
    REQUIRE(watched.advance(seconds{16}).size() == 1);
  }
}

TEST_CASE("a grace for new limits is not cut short by the next ones") {
  Watched watched;
  watched.fold(make(register_), Duration{0});
  Limits shorter = test_limits();
  shorter.stale_threshold_ms = seconds{1};
  watched.fleet.set_limits(shorter, start + seconds{5}, seconds{15});
  const Run& run = *watched.fleet.find("pm", "");
  REQUIRE(watched.fleet.stale_deadline(run) == start + seconds{20});
  SECTION("where they are the same") {
    watched.fleet.set_limits(shorter, start + seconds{7}, seconds{15});
    REQUIRE(watched.fleet.stale_deadline(run) == start + seconds{20});
  }
  SECTION("where they are others") {
    shorter.stale_threshold_ms = seconds{2};
    watched.fleet.set_limits(shorter, start + seconds{7}, seconds{15});
    REQUIRE(watched.fleet.stale_deadline(run) == start + seconds{22});
  }
  SECTION("where the grace is shorter, too") {
    shorter.stale_threshold_ms = seconds{2};
    watched.fleet.set_limits(shorter, start + seconds{7}, seconds{1});
    REQUIRE(watched.fleet.stale_deadline(run) == start + seconds{20});
  }
}

TEST_CASE("a larger threshold ends the repeats of a warning, not its episode") {
  Limits limits = test_limits();
  limits.stale_warning_only_once = false;
  Watched watched(limits);
  watched.fold(make(register_), Duration{0});
  const Transitions first = watched.advance(seconds{11});
  REQUIRE(first.size() == 1);
  limits.stale_threshold_ms = seconds{40};
  watched.set_limits(limits);
  REQUIRE(watched.advance(seconds{40}).empty());
  const Transitions again = watched.advance(seconds{40} + ms);
  REQUIRE(again.size() == 1);
  REQUIRE(again[0].episode == first[0].episode);
  REQUIRE(again[0].threshold == seconds{40});
}

TEST_CASE("a scan page by page visits each run once while others come and go") {
  Watched watched;
  for (int run = 0; run < 50; ++run) {
    watched.fold(make(register_, std::to_string(run)), Duration{0});
  }
  std::multiset<std::string> seen;
  int turn = 0;
  std::optional<Slot> place = 0;
  while (place) {
    place = watched.fleet.scan(*place, 7, [&](const Run& run) {
      seen.emplace(run.agent_id());
      return seen.size() % 3 != 0;
    });
    watched.fold(make(unregister, std::to_string(2 * turn)), Duration{0});
    watched.fold(make(register_, "new" + std::to_string(turn)), Duration{0});
    ++turn;
  }
  for (int run = 1; run < 50; run += 2) {
    REQUIRE(seen.count(std::to_string(run)) == 1);
  }
}

TEST_CASE("a smaller runs_max forgets tombstones in bounded steps") {
  Watched watched;
  for (int run = 0; run < 100; ++run) {
    watched.fold(make(register_, std::to_string(run)), Duration{0});
    watched.fold(make(unregister, std::to_string(run)), Duration{0});
  }
  Limits limits = test_limits();
  limits.runs_max = 10;
  watched.set_limits(limits);
  watched.fold(make(register_), Duration{0});
  watched.fold(make(unregister), Duration{0});
  REQUIRE(watched.fleet.tombstones() == 100);  // one for one
  Transitions out;
  watched.fleet.advance(start, start, 30, out);
  REQUIRE(watched.fleet.tombstones() == 70);
  watched.advance(Duration{0});
  REQUIRE(watched.fleet.tombstones() == 10);
  REQUIRE(watched.fleet.counters().tombstones_evicted_total == 91);
  REQUIRE(watched.fleet.tombstone("pm", "", start) != nullptr);
  REQUIRE(watched.fleet.tombstone("90", "", start) == nullptr);
}

TEST_CASE("a shorter tombstone_ms holds for those that are there") {
  Watched watched;
  watched.fold(make(register_), Duration{0});
  watched.fold(make(unregister), Duration{0});
  Limits limits = test_limits();
  limits.tombstone_ms = seconds{1};
  watched.set_limits(limits);
  REQUIRE(watched.fleet.tombstone("pm", "", start + seconds{1}) != nullptr);
  REQUIRE(watched.fleet.tombstone("pm", "", start + seconds{1} + ms) == nullptr);
  watched.advance(seconds{1} + ms);
  REQUIRE(watched.fleet.tombstones() == 0);
}

TEST_CASE("a larger runs_max ends the lack of capacity") {
  Limits limits = test_limits();
  limits.runs_max = 1;
  Watched watched(limits);
  watched.fold(make(register_, "a"), Duration{0});
  const Transitions full = watched.fold(make(register_, "b"), Duration{0});
  REQUIRE(full.size() == 1);
  limits.runs_max = 2;
  watched.set_limits(limits);
  const Transitions room = watched.advance(ms);
  REQUIRE(room.size() == 1);
  REQUIRE(room[0].reason == Reason::subsided);
  REQUIRE(room[0].episode == full[0].episode);
}

TEST_CASE("runs that need attention come first: stale ones, then by nearness of their deadline") {
  Watched watched;
  for (int run = 0; run < 20; ++run) {
    const std::string run_id = std::to_string(run);
    Event event = make(register_, "dev", run_id);
    if (run == 7 || run == 3) {
      event.stale_after_ms = run * ms;
    }
    watched.fold(event, Duration{0});
  }
  const auto urgent = [&] {
    std::vector<std::string> runs;
    watched.fleet.urgent_first(SIZE_MAX, SIZE_MAX, [&](const Run& run) {
      runs.emplace_back(run.run_id());
      return true;
    });
    return runs;
  };
  watched.advance(4 * ms);
  watched.advance(8 * ms);
  REQUIRE(urgent().size() == 20);
  REQUIRE(urgent()[0] == "3");
  REQUIRE(urgent()[1] == "7");
  watched.fold(make(activity, "dev", "3"), 9 * ms);
  REQUIRE(urgent().size() == 20);
  REQUIRE(urgent()[0] == "7");
  watched.fold(make(unregister, "dev", "7"), 9 * ms);
  REQUIRE(urgent().size() == 19);
  REQUIRE(watched.fleet.runs_stale() == 0);
}

TEST_CASE("runs are found by nearness of their deadline and by agent") {
  Watched watched;
  for (int run = 0; run < 20; ++run) {
    const std::string run_id = std::to_string(run);
    Event event = make(register_, run % 2 == 0 ? "even" : "odd", run_id);
    event.stale_after_ms = seconds{30 - run};
    watched.fold(event, Duration{0});
  }
  const auto nearest = [&](std::size_t count, std::size_t look_max) {
    std::vector<std::string> runs;
    watched.fleet.urgent_first(count, look_max, [&](const Run& run) {
      runs.emplace_back(run.run_id());
      return true;
    });
    return runs;
  };
  REQUIRE(nearest(SIZE_MAX, SIZE_MAX).size() == 20);
  REQUIRE(nearest(3, SIZE_MAX) == std::vector<std::string>{"19", "18", "17"});
  REQUIRE(nearest(3, 2).size() == 2);
  REQUIRE(nearest(0, SIZE_MAX).empty());
  REQUIRE(nearest(3, 0).empty());
  // Heard since, its entry in the queue is still the first.
  Event promise = make(activity, "odd", "19");
  promise.stale_after_ms = seconds{60};
  watched.fold(promise, Duration{0});
  REQUIRE(nearest(3, SIZE_MAX) == std::vector<std::string>{"18", "17", "16"});

  watched.fold(make(unregister, "odd", "7"), Duration{0});
  std::set<std::string> odd;
  watched.fleet.runs_of("odd", [&](const Run& run) { return odd.emplace(run.run_id()).second; });
  REQUIRE(odd.size() == 9);
  REQUIRE(!odd.contains("7"));
  REQUIRE(watched.fleet.tombstone("odd", std::nullopt, start)->run_id() == "7");
}

}  // namespace heartbeat::core
