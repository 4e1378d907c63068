// The fleet against a naive model that rescans everything, over random histories. HEARTBEAT_SEED
// repeats one history; a failure prints the seed.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/fleet.hpp"
#include "histories.hpp"
#include "naive_fleet.hpp"
#include "support/catch.hpp"

namespace heartbeat::core {

std::ostream& operator<<(std::ostream& out, const Transition& t) {
  return out << name(t.kind) << '/' << name(t.reason) << " episode " << t.episode << " supersedes "
             << t.supersedes << " run '" << t.agent_id << "'/'" << t.run_id << "' task '"
             << t.task_id << "' type '" << t.agent_type << "' idle " << t.idle.count()
             << " elapsed " << t.elapsed.count() << " threshold " << t.threshold.count() << " lost "
             << t.lost_events << " blind " << t.blind.count() << " storm " << t.storm << " since "
             << t.since << " runs " << t.runs << '/' << t.of_runs << " deadline "
             << (t.deadline ? t.deadline->time_since_epoch().count() : -1);
}

}  // namespace heartbeat::core

namespace heartbeat {
namespace {

using core::Transitions;

constexpr std::uint64_t histories = 600;
constexpr int steps = 400;

// All seeds, or the one of the environment.
template <class Check>
void over_seeds(const Check& check) {
  if (const char* seed = std::getenv("HEARTBEAT_SEED")) {
    check(std::stoull(seed));
    return;
  }
  for (std::uint64_t seed = 1; seed <= histories; ++seed) {
    check(seed);
  }
}

void advance_fully(core::Fleet& fleet, Instant until, Instant now, std::size_t limit,
                   Transitions& out) {
  do {
    fleet.advance(until, now, limit, out);
  } while (fleet.next_deadline() && *fleet.next_deadline() < until);
}

std::vector<Event> batch(History& history) {
  std::vector<Event> events;
  for (std::uint64_t count = history.below(history.one_in(10) ? 40 : 4); count > 0; --count) {
    events.push_back(history.event());
  }
  return events;
}

void require_same_runs(const naive::Fleet& model, const core::Fleet& fleet, Instant now) {
  std::size_t visited = 0;
  REQUIRE(!fleet.scan(0, SIZE_MAX, [&](const core::Run& run) {
    ++visited;
    const std::string agent_id{run.agent_id()};
    const std::string run_id{run.run_id()};
    CAPTURE(agent_id, run_id);
    const naive::Run& expected = model.runs().at({agent_id, run_id});
    REQUIRE(fleet.find(agent_id, run_id) == &run);
    REQUIRE(run.texts.get(core::Text::phase) == expected.phase);
    REQUIRE(run.texts.get(core::Text::detail) == expected.detail);
    REQUIRE(run.texts.get(core::Text::outcome).empty());
    REQUIRE(run.progress == expected.progress);
    REQUIRE(run.adopted == expected.adopted);
    REQUIRE(run.sent_at == expected.sent_at);
    REQUIRE(run.rare().rejected_events == expected.rejected_events);
    REQUIRE(run.rare().zombie_events == expected.zombie_events);
    REQUIRE(fleet.lost_events(run, now) == model.lost_events(expected, now));
    for (const EventKind kind : {EventKind::register_, EventKind::activity, EventKind::idle}) {
      const auto last = expected.last_event.find(kind);
      REQUIRE(run.last_event(kind) ==
              (last == expected.last_event.end() ? std::nullopt : std::optional{last->second}));
    }
    // An agent's runs in flight are found through it, whatever tombstones it has.
    std::size_t found = 0;
    fleet.runs_of(agent_id, [&](const core::Run& other) {
      found += &other == &run ? 1U : 0U;
      return true;
    });
    REQUIRE(found == 1);
    return true;
  }));
  REQUIRE(visited == model.runs().size());
}

// A type that had runs keeps its label, and is not known to the model without any.
std::map<std::string, core::RunTypes::Counts> types_of(const core::Fleet& fleet) {
  std::map<std::string, core::RunTypes::Counts> types;
  fleet.types().each([&](std::string_view label, const core::RunTypes::Counts& counts) {
    if (counts != core::RunTypes::Counts{}) {
      REQUIRE(types.emplace(label, counts).second);
    }
  });
  return types;
}

void require_same_types(const std::map<std::string, core::RunTypes::Counts>& actual,
                        const std::map<std::string, core::RunTypes::Counts>& expected) {
  for (const auto& [type, counts] : expected) {
    INFO(type);
    REQUIRE(actual.contains(type));
    REQUIRE(actual.at(type).running == counts.running);
    REQUIRE(actual.at(type).idle == counts.idle);
    REQUIRE(actual.at(type).stale == counts.stale);
    REQUIRE(actual.at(type).ended_ms.cumulative() == counts.ended_ms.cumulative());
    REQUIRE(actual.at(type).ended_ms.sum() == counts.ended_ms.sum());
  }
  REQUIRE(actual.size() == expected.size());
}

void require_same_outcomes(const core::Fleet& fleet,
                           const std::map<std::string, std::uint64_t>& expected) {
  std::map<std::string, std::uint64_t> actual;
  fleet.outcomes().each(
      [&](std::string_view label, std::uint64_t count) { actual.emplace(label, count); });
  REQUIRE(actual == expected);
}

// Shows the first difference instead of two long lists.
void require_equal(const Transitions& actual, const Transitions& expected) {
  const auto [a, b] = std::ranges::mismatch(actual, expected);
  CAPTURE(a - actual.begin());
  if (a != actual.end() && b != expected.end()) {
    REQUIRE(*a == *b);
  }
  REQUIRE(actual.size() == expected.size());
}

// Where the fleet has placed a run is its own business.
void forget_places(Transitions& transitions) {
  for (core::Transition& transition : transitions) {
    transition.slot = core::no_slot;
  }
}

// A restart begins to count anew what ended.
std::map<std::string, core::RunTypes::Counts> in_flight(
    std::map<std::string, core::RunTypes::Counts> types) {
  for (auto& [type, counts] : types) {
    counts.ended_ms = {};
  }
  std::erase_if(types, [](const auto& entry) { return entry.second == core::RunTypes::Counts{}; });
  return types;
}

// A restart forgets which runs were told of late.
void forget_deadlines(Transitions& transitions) {
  for (core::Transition& transition : transitions) {
    transition.deadline.reset();
  }
}

// What a file would hold: each record as it was when its change was last taken.
class Mirror {
 public:
  void follow(core::Fleet& fleet) {
    while (const auto slot = fleet.changed_runs().take()) {
      if (fleet.run_at(*slot).state == core::RunState::unknown) {
        runs_.erase(*slot);
      } else {
        runs_[*slot] = copy(fleet.run_at(*slot));
      }
    }
    while (const auto block = fleet.changed_blocks().take()) {
      for (auto& [slot, run] : runs_) {
        if (slot / core::Fleet::run_block == *block && run.in_flight()) {
          run.last_activity = fleet.run_at(slot).last_activity;
          run.paused_before_activity = fleet.run_at(slot).paused_before_activity;
        }
      }
    }
  }
  void restore(core::Fleet& fleet) const {
    for (const auto& [slot, run] : runs_) {
      fleet.restore(slot, copy(run));
    }
  }

 private:
  static core::Run copy(const core::Run& run) {
    core::Run to;
    core::RareFacts& rare = to.make_rare();
    to.state = run.state;
    to.ended_by = run.ended_by;
    to.adopted = run.adopted;
    to.stale = run.stale;
    to.warned = run.warned;
    to.started = run.started;
    to.last_activity = run.last_activity;
    to.paused_before_activity = run.paused_before_activity;
    rare.promised_at = run.rare().promised_at;
    rare.promise = run.rare().promise;
    rare.paused_before_promise = run.rare().paused_before_promise;
    rare.timeout_after = run.rare().timeout_after;
    rare.stale_since = run.rare().stale_since;
    rare.opened = run.rare().opened;
    rare.last_warning = run.rare().last_warning;
    rare.episode = run.rare().episode;
    to.order = run.order;
    rare.ended_at = run.rare().ended_at;
    rare.last_zombie = run.rare().last_zombie;
    for (std::size_t text = 0; text < core::text_count; ++text) {
      to.texts.set(static_cast<core::Text>(text), run.texts.get(static_cast<core::Text>(text)));
    }
    return to;
  }

  std::map<core::Slot, core::Run> runs_;
};

// Cheap where they agree: an assertion for each field of each step would cost more than the fold.
void require_same(const naive::Fleet& model, const core::Fleet& fleet, const Transitions& expected,
                  const Transitions& actual) {
  if (expected != actual) {
    require_equal(actual, expected);
  }
  if (!(model.counters() == fleet.counters())) {
    for (const auto& [name, member] : core::counter_names) {
      INFO(name);
      CHECK(fleet.counters().*member == model.counters().*member);
    }
    REQUIRE(fleet.counters().events_rejected_total == model.counters().events_rejected_total);
    FAIL("counters differ");
  }
  if (model.runs_in_flight() != fleet.runs_in_flight() || model.runs_idle() != fleet.runs_idle() ||
      model.runs_stale() != fleet.runs_stale()) {
    REQUIRE(fleet.runs_in_flight() == model.runs_in_flight());
    REQUIRE(fleet.runs_idle() == model.runs_idle());
    REQUIRE(fleet.runs_stale() == model.runs_stale());
  }
}

// New limits, found by requeue a few runs at a time, while events go on arriving. runs_max stays,
// and tombstone_ms does not grow: what they already removed is removed.
void change_limits(History& history, naive::Fleet& model, core::Fleet& fleet, Instant now,
                   Transitions& expected, Transitions& actual) {
  core::Limits limits = history.limits();
  limits.runs_max = fleet.limits().runs_max;
  limits.tombstone_ms = std::min(limits.tombstone_ms, fleet.limits().tombstone_ms);
  const Duration grace = history.one_in(2) ? Duration{0} : history.duration(1'000);
  model.set_limits(limits, now, grace);
  fleet.set_limits(limits, now, grace);
  while (fleet.requeue(1 + history.below(3))) {
    const std::vector<Event> events = batch(history);
    model.fold(events, now, expected);
    fleet.fold(events, now, actual);
  }
}

}  // namespace

TEST_CASE("the fleet agrees with a model that rescans everything") {
  over_seeds([](std::uint64_t seed) {
    CAPTURE(seed);
    History history(seed);
    const core::Limits limits = history.limits();
    naive::Fleet model(limits);
    core::Fleet fleet(limits);
    Instant now{Duration{1'000'000}};
    for (int step = 0; step < steps; ++step) {
      CAPTURE(step);
      Transitions expected;
      Transitions actual;
      now += history.step(fleet.limits());
      if (history.one_in(10)) {
        const Duration pause = history.duration(1'000);
        now += pause;
        model.paused(pause);
        fleet.paused(pause);
      }
      const std::vector<Event> events = batch(history);
      model.fold(events, now, expected);
      fleet.fold(events, now, actual);
      if (history.one_in(40)) {
        change_limits(history, model, fleet, now, expected, actual);
      }
      forget_places(actual);
      require_same(model, fleet, expected, actual);
      if (!history.one_in(3)) {
        const Instant until = now - (history.one_in(2) ? Duration{0} : history.duration(500));
        model.advance(until, now, expected);
        advance_fully(fleet, until, now, 1 + history.below(4), actual);
        forget_places(actual);
        require_same(model, fleet, expected, actual);
      }
      if (step % 20 == 0) {
        require_same_runs(model, fleet, now);
        require_same_types(types_of(fleet), model.types());
        require_same_outcomes(fleet, model.outcomes());
        // Its tombstones may include some that expired and were not looked at yet.
        REQUIRE(fleet.tombstones() >= model.tombstones(now));
        REQUIRE(fleet.tombstones() <= limits.runs_max);
      }
    }
    Transitions rest;
    model.advance(now, now, rest);
    fleet.advance(now, now, SIZE_MAX, rest);
    REQUIRE(fleet.tombstones() == model.tombstones(now));
    const core::Counters& counted = fleet.counters();
    std::uint64_t rejected = 0;
    for (const std::uint64_t count : counted.events_rejected_total) {
      rejected += count;
    }
    REQUIRE(counted.events_received_total ==
            counted.events_folded_total + rejected + counted.events_duplicate_total +
                counted.events_zombie_total + counted.events_ignored_total);
  });
}

TEST_CASE("a deadline never fires before next_deadline, and none is missed") {
  over_seeds([](std::uint64_t seed) {
    CAPTURE(seed);
    History history(seed);
    core::Fleet fleet(history.limits());
    Instant now{Duration{1'000'000}};
    for (int step = 0; step < steps / 4; ++step) {
      Transitions out;
      now += history.step(fleet.limits());
      fleet.fold(batch(history), now, out);
      const auto next = fleet.next_deadline();
      REQUIRE(next.has_value() == (fleet.runs_in_flight() != 0));
      out.clear();
      advance_fully(fleet, now, now, 2, out);
      REQUIRE((out.empty() || *next < now));
    }
  });
}

TEST_CASE("the same calls give the same transitions, and how events are grouped does not matter") {
  over_seeds([](std::uint64_t seed) {
    CAPTURE(seed);
    History history(seed);
    const core::Limits limits = history.limits();
    core::Fleet one(limits);
    core::Fleet other(limits);
    core::Fleet pieces(limits);
    Transitions from_one;
    Transitions from_other;
    Transitions from_pieces;
    Instant now{Duration{1'000'000}};
    for (int step = 0; step < steps / 4; ++step) {
      now += history.step(limits);
      const std::vector<Event> events = batch(history);
      one.fold(events, now, from_one);
      other.fold(events, now, from_other);
      for (std::span<const Event> rest = events; !rest.empty();) {
        const std::size_t count = 1 + history.below(rest.size());
        pieces.fold(rest.first(count), now, from_pieces);
        rest = rest.subspan(count);
      }
      one.advance(now, now, SIZE_MAX, from_one);
      other.advance(now, now, SIZE_MAX, from_other);
      advance_fully(pieces, now, now, 1, from_pieces);
      // Expiry is as bounded as deadlines are; it is not what is compared here.
      pieces.advance(now, now, SIZE_MAX, from_pieces);
      REQUIRE(one.next_deadline() == other.next_deadline());
    }
    require_equal(from_other, from_one);
    require_equal(from_pieces, from_one);
    REQUIRE((one.counters() == other.counters() && one.counters() == pieces.counters()));
  });
}

TEST_CASE("a fleet restored from what was written of its changes goes on as if nothing had been") {
  over_seeds([](std::uint64_t seed) {
    CAPTURE(seed);
    History history(seed);
    core::Limits limits = history.limits();
    // Of tombstones that ended in the same millisecond the file does not know which goes first.
    limits.runs_max = 1'000;
    core::Fleet lasting(limits);
    auto restarting = std::make_unique<core::Fleet>(limits);
    restarting->track_changes();
    Mirror mirror;
    Transitions expected;
    Transitions actual;
    Instant now{Duration{1'000'000}};
    for (int step = 0; step < steps / 2; ++step) {
      now += history.step(limits);
      if (history.one_in(10)) {
        const Duration pause = history.duration(1'000);
        lasting.paused(pause);
        restarting->paused(pause);
      }
      std::vector<Event> events = batch(history);
      for (Event& event : events) {
        event.source = {};  // what came while nobody read is told apart
        event.seq = 0;
      }
      lasting.fold(events, now, expected);
      restarting->fold(events, now, actual);
      lasting.advance(now, now, SIZE_MAX, expected);
      restarting->advance(now, now, SIZE_MAX, actual);
      mirror.follow(*restarting);
      if (history.one_in(20)) {
        const core::Numbers numbers = restarting->numbers();
        restarting = std::make_unique<core::Fleet>(limits);
        restarting->track_changes();
        mirror.restore(*restarting);
        restarting->resume(numbers, now, {}, Instant{});
        REQUIRE(restarting->runs_idle() == lasting.runs_idle());
        REQUIRE(restarting->runs_stale() == lasting.runs_stale());
        REQUIRE(restarting->tombstones() == lasting.tombstones());
        require_same_types(in_flight(types_of(*restarting)), in_flight(types_of(lasting)));
      }
    }
    forget_places(expected);
    forget_places(actual);
    forget_deadlines(expected);
    forget_deadlines(actual);
    require_equal(actual, expected);
  });
}

TEST_CASE("every episode is closed at most once, resolved or superseded, and none is left behind") {
  over_seeds([](std::uint64_t seed) {
    CAPTURE(seed);
    History history(seed);
    core::Fleet fleet(history.limits());
    Transitions out;
    Instant now{Duration{1'000'000}};
    for (int step = 0; step < steps / 4; ++step) {
      now += history.step(fleet.limits());
      fleet.fold(batch(history), now, out);
      fleet.advance(now, now, SIZE_MAX, out);
    }
    std::set<std::uint64_t> open;
    std::set<std::uint64_t> closed;
    for (const core::Transition& transition : out) {
      const bool resolves = transition.kind == core::TransitionKind::resolved;
      if (!resolves) {
        REQUIRE(!closed.contains(transition.episode));
        open.insert(transition.episode);
      }
      if (transition.kind == core::TransitionKind::timeout) {  // opens and closes at once
        open.erase(transition.episode);
        closed.insert(transition.episode);
      }
      if (const auto closes = resolves ? transition.episode : transition.supersedes) {
        REQUIRE(open.erase(closes) == 1);
        REQUIRE(closed.insert(closes).second);
      }
    }
    std::vector<const core::Run*> urgent;
    fleet.urgent_first(SIZE_MAX, SIZE_MAX, [&](const core::Run& run) {
      open.erase(run.rare().episode);
      urgent.push_back(&run);
      return true;
    });
    REQUIRE(open.size() <= 2);  // of capacity, and a storm
    REQUIRE(urgent.size() == fleet.runs_in_flight());
    const auto due = [&](const core::Run* run) {
      return std::min(fleet.stale_deadline(*run), fleet.timeout_deadline(*run));
    };
    const auto calm = urgent.begin() + static_cast<std::ptrdiff_t>(fleet.runs_stale());
    REQUIRE(std::all_of(urgent.begin(), calm, [](const core::Run* run) { return run->stale; }));
    REQUIRE(std::is_sorted(calm, urgent.end(), [&](const core::Run* a, const core::Run* b) {
      return due(a) < due(b);
    }));
    std::vector<const core::Run*> first;
    fleet.urgent_first(urgent.size() / 2, SIZE_MAX, [&](const core::Run& run) {
      first.push_back(&run);
      return true;
    });
    REQUIRE(std::equal(first.begin(), first.end(), urgent.begin()));
  });
}

}  // namespace heartbeat
