// The same events and instants give the same transitions, bit for bit, however they are cut up.
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "core/fleet.hpp"
#include "support/catch.hpp"

using namespace heartbeat;
using namespace heartbeat::core;

namespace {

std::uint64_t seed() {
  const char* given = std::getenv("HEARTBEAT_SEED");
  return given == nullptr ? 20'261'124 : std::strtoull(given, nullptr, 10);
}

const std::vector<std::string> names{"a", "b", "c", "d", "e"};

Event random_event(std::mt19937_64& random) {
  const auto maybe = [&](std::uint64_t one_in) { return random() % one_in == 0; };
  const auto span = [&](std::uint64_t max) { return Duration{static_cast<int>(random() % max)}; };
  Event event;
  event.kind = Names<EventKind>::table[random() % 4].first;
  event.agent_id = names[random() % names.size()];
  event.run_id = maybe(3) ? "r" : "";
  if (maybe(3)) event.running_for_ms = span(20'000);
  if (maybe(4)) event.idle_for_ms = span(3'000);
  if (maybe(5)) event.stale_after_ms = Duration{1} + span(2'000);
  if (maybe(5)) event.timeout_after_ms = Duration{1} + span(5'000);
  if (maybe(2)) event.task_id = names[random() % names.size()];
  if (maybe(2)) {
    event.source = names[random() % 2];
    event.seq = 1 + random() % 200;
  }
  if (maybe(20)) event.rejected = Rejection::bad_value;
  return event;
}

Limits random_limits(std::mt19937_64& random) {
  Limits limits;
  limits.check_interval_ms = Duration{300};
  limits.stale_threshold_ms = Duration{1'000};
  limits.timeout_threshold_ms = Duration{6'000};
  limits.stale_warning_only_once = random() % 2 == 0;
  limits.stale_rearm = random() % 2 == 0;
  limits.adopt_unknown = random() % 4 != 0;
  limits.runs_max = 3 + random() % 10;
  limits.tombstone_ms = Duration{2'000};
  return limits;
}

// Every count that is kept equals what counting gives, and nothing due is left behind.
void requires_consistent(const Fleet& fleet, Instant now) {
  std::size_t idle = 0;
  std::size_t stale = 0;
  std::size_t runs = 0;
  fleet.scan(0, 1'000, [&](const Run& run) {
    ++runs;
    idle += run.state == RunState::idle ? 1U : 0U;
    stale += run.stale ? 1U : 0U;
    REQUIRE(fleet.timeout_deadline(run) >= now);
    REQUIRE((run.stale || fleet.stale_deadline(run) >= now));
    REQUIRE((run.episode == 0 || run.stale));
    REQUIRE(fleet.find(run.agent_id(), run.run_id()) == &run);
    return true;
  });
  REQUIRE(runs == fleet.runs_in_flight());
  REQUIRE(idle == fleet.runs_idle());
  REQUIRE(stale == fleet.runs_stale());
  REQUIRE(runs <= fleet.limits().runs_max);
  REQUIRE(fleet.tombstones() <= fleet.limits().runs_max);
  const Counters& counted = fleet.counters();
  std::uint64_t sum = counted.events_folded_total + counted.events_duplicate_total +
                      counted.events_zombie_total + counted.events_ignored_total;
  for (const std::uint64_t rejected : counted.events_rejected_total) {
    sum += rejected;
  }
  REQUIRE(sum == counted.events_received_total);
}

}  // namespace

TEST_CASE("however a history is cut up, the fleet decides the same, and its books balance") {
  CAPTURE(seed());
  std::mt19937_64 random{seed()};
  for (int history = 0; history < 200; ++history) {
    CAPTURE(history);
    const Limits limits = random_limits(random);
    Fleet whole{limits};
    Fleet pieces{limits};
    Transitions of_whole;
    Transitions of_pieces;
    Instant now{Duration{1'000'000}};
    for (int step = 0; step < 300; ++step) {
      now += Duration{static_cast<int>(random() % (random() % 10 == 0 ? 3'000 : 100))};
      std::vector<Event> events(random() % 40);
      for (Event& event : events) {
        event = random_event(random);
      }
      whole.fold(events, now, of_whole);
      for (const Event& event : events) {
        pieces.fold({&event, 1}, now, of_pieces);
      }
      whole.advance(now, 1'000, of_whole);
      while (pieces.next_deadline() && *pieces.next_deadline() < now) {
        pieces.advance(now, 1, of_pieces);
      }
      pieces.advance(now, 1'000, of_pieces);
      requires_consistent(whole, now);
      REQUIRE(whole.counters() == pieces.counters());
    }
    REQUIRE(of_whole == of_pieces);
    REQUIRE(of_whole.size() > 10);
  }
}

TEST_CASE("every stale episode is closed exactly once: resolved or superseded") {
  CAPTURE(seed());
  std::mt19937_64 random{seed() + 1};
  for (int history = 0; history < 200; ++history) {
    CAPTURE(history);
    Fleet fleet{random_limits(random)};
    Transitions out;
    Instant now{Duration{1'000'000}};
    for (int step = 0; step < 300; ++step) {
      now += Duration{static_cast<int>(random() % 400)};
      const Event event = random_event(random);
      fleet.fold({&event, 1}, now, out);
      fleet.advance(now, 1'000, out);
    }
    std::vector<bool> open(out.size() + 2, false);
    std::vector<bool> closed(out.size() + 2, false);
    std::size_t still_open = 0;
    for (const Transition& transition : out) {
      const bool opens =
          transition.kind == TransitionKind::stale || transition.kind == TransitionKind::capacity;
      const std::uint64_t closes =
          transition.kind == TransitionKind::resolved ? transition.episode : transition.supersedes;
      if (opens) {
        REQUIRE_FALSE(closed[transition.episode]);
        still_open += open[transition.episode] ? 0U : 1U;
        open[transition.episode] = true;
      }
      if (closes != 0) {
        REQUIRE(open[closes]);
        REQUIRE_FALSE(closed[closes]);
        closed[closes] = true;
        --still_open;
      }
    }
    std::size_t episodes = 0;
    fleet.urgent_first([&](const Run& run) {
      episodes += run.episode != 0 ? 1U : 0U;
      return true;
    });
    REQUIRE(still_open - episodes <= 1);  // an open capacity episode
  }
}
