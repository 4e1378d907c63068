// PROTOCOL.md, "What an event does", row by row: a run in some state, one event, and what becomes
// of both.
#include <optional>
#include <string>
#include <vector>

#include "core/fleet.hpp"
#include "support/catch.hpp"

namespace heartbeat::core {
namespace {

using std::chrono::seconds;

constexpr Duration silence{10'000};  // the stale threshold

// Where the run stands when the event comes, always 20 s after its start.
enum class Before { unknown, running, idle, stale, silently_stale, ended, timed_out };
enum class Verdict { folded, zombie, ignored };

struct Case {
  std::string name;
  Before before;
  Event event;
  Verdict verdict;
  std::optional<RunState> after;  // nullopt: not in flight
  std::optional<Reason> resolved = std::nullopt;
  bool adopted = false;
  bool stale_after = false;
  bool adopt_unknown = true;
};

Event event(EventKind kind, std::optional<Duration> running_for = std::nullopt,
            std::optional<Duration> promise = std::nullopt,
            std::optional<Duration> idle_for = std::nullopt) {
  Event made;
  made.kind = kind;
  made.agent_id = "pm";
  made.run_id = "1";
  made.running_for_ms = running_for;
  made.stale_after_ms = promise;
  made.idle_for_ms = idle_for;
  return made;
}

constexpr auto register_ = EventKind::register_;
constexpr auto activity = EventKind::activity;
constexpr auto idle = EventKind::idle;
constexpr auto unregister = EventKind::unregister;
constexpr auto none = std::nullopt;
constexpr auto running = RunState::running;

const std::vector<Case> cases{
    {"register starts an unknown run", Before::unknown, event(register_), Verdict::folded, running},
    {"activity adopts an unknown run", Before::unknown, event(activity), Verdict::folded, running,
     none, true},
    {"idle adopts an unknown run as idle", Before::unknown, event(idle), Verdict::folded,
     RunState::idle, none, true},
    {"unregister of an unknown run is ignored", Before::unknown, event(unregister),
     Verdict::ignored, none},
    {"activity of an unknown run is ignored without adoption", Before::unknown, event(activity),
     Verdict::ignored, none, none, false, false, false},
    {"idle of an unknown run is ignored without adoption", Before::unknown, event(idle),
     Verdict::ignored, none, none, false, false, false},
    {"register starts an unknown run without adoption too", Before::unknown, event(register_),
     Verdict::folded, running, none, false, false, false},

    {"register restarts a run", Before::running, event(register_), Verdict::folded, running},
    {"register restarts an earlier run", Before::running, event(register_, seconds{3'000}),
     Verdict::folded, running},
    {"activity of a running run", Before::running, event(activity), Verdict::folded, running},
    {"idle of a running run", Before::running, event(idle), Verdict::folded, RunState::idle},
    {"unregister ends a run", Before::running, event(unregister), Verdict::folded, none},
    {"activity of an earlier run is a zombie", Before::running, event(activity, Duration{25'001}),
     Verdict::zombie, running},
    {"activity within the slack of 5 s is the run's own", Before::running,
     event(activity, Duration{25'000}), Verdict::folded, running},
    {"idle of an earlier run is a zombie", Before::running, event(idle, Duration{25'001}),
     Verdict::zombie, running},
    {"unregister of an earlier run is a zombie", Before::running,
     event(unregister, Duration{25'001}), Verdict::zombie, running},

    {"register restarts an idle run as running", Before::idle, event(register_), Verdict::folded,
     running},
    {"activity makes an idle run running", Before::idle, event(activity), Verdict::folded, running},
    {"idle of an idle run", Before::idle, event(idle), Verdict::folded, RunState::idle},
    {"unregister ends an idle run", Before::idle, event(unregister), Verdict::folded, none},

    {"register resolves an episode", Before::stale, event(register_), Verdict::folded, running,
     Reason::re_registered},
    {"register resolves an episode as re-registered even with a promise", Before::stale,
     event(register_, none, seconds{1}), Verdict::folded, running, Reason::re_registered},
    {"activity resolves an episode", Before::stale, event(activity), Verdict::folded, running,
     Reason::activity},
    {"activity that is itself too old resolves nothing", Before::stale,
     event(activity, none, none, Duration{10'001}), Verdict::folded, running, none, false, true},
    {"activity exactly as old as the threshold resolves", Before::stale,
     event(activity, none, none, Duration{10'000}), Verdict::folded, running, Reason::activity},
    {"too old an activity with a promise resolves by the promise", Before::stale,
     event(activity, none, seconds{1}, Duration{10'001}), Verdict::folded, running,
     Reason::promise},
    {"activity with a promise resolves by activity", Before::stale,
     event(activity, none, seconds{1}), Verdict::folded, running, Reason::activity},
    {"idle leaves an episode open", Before::stale, event(idle), Verdict::folded, RunState::idle,
     none, false, true},
    {"idle with a promise resolves an episode", Before::stale, event(idle, none, seconds{1}),
     Verdict::folded, RunState::idle, Reason::promise},
    {"unregister resolves an episode", Before::stale, event(unregister), Verdict::folded, none,
     Reason::unregistered},
    {"a zombie leaves an episode open", Before::stale, event(activity, seconds{60}),
     Verdict::zombie, running, none, false, true},

    {"activity ends a silence that was not warned of without a word", Before::silently_stale,
     event(activity), Verdict::folded, running},
    {"a promise ends a silence that was not warned of without a word", Before::silently_stale,
     event(idle, none, seconds{1}), Verdict::folded, RunState::idle},
    {"unregister ends a silently stale run without a word", Before::silently_stale,
     event(unregister), Verdict::folded, none},
    {"register restarts a silently stale run without a word", Before::silently_stale,
     event(register_), Verdict::folded, running},

    {"register starts an ended run anew", Before::ended, event(register_), Verdict::folded,
     running},
    {"register that began at the end starts anew", Before::ended, event(register_, Duration{1'000}),
     Verdict::folded, running},
    {"register that began before the end is a zombie", Before::ended,
     event(register_, Duration{1'001}), Verdict::zombie, none},
    {"activity of an ended run is a zombie", Before::ended, event(activity), Verdict::zombie, none},
    {"activity that began after the end is adopted", Before::ended, event(activity, Duration{999}),
     Verdict::folded, running, none, true},
    {"activity that began at the end is a zombie", Before::ended, event(activity, Duration{1'000}),
     Verdict::zombie, none},
    {"idle of an ended run is a zombie", Before::ended, event(idle), Verdict::zombie, none},
    {"idle that began after the end is adopted as idle", Before::ended, event(idle, Duration{999}),
     Verdict::folded, RunState::idle, none, true},
    {"unregister of an ended run is ignored", Before::ended, event(unregister), Verdict::ignored,
     none},
    {"activity that began after the end is ignored without adoption", Before::ended,
     event(activity, Duration{999}), Verdict::ignored, none, none, false, false, false},
    {"activity of an ended run is a zombie without adoption too", Before::ended, event(activity),
     Verdict::zombie, none, none, false, false, false},

    {"register starts a timed-out run anew", Before::timed_out, event(register_), Verdict::folded,
     running},
    {"activity does not revive a timed-out run", Before::timed_out, event(activity),
     Verdict::zombie, none},
    {"idle does not revive a timed-out run", Before::timed_out, event(idle), Verdict::zombie, none},
    {"unregister of a timed-out run is ignored", Before::timed_out, event(unregister),
     Verdict::ignored, none},
};

constexpr Instant start{Duration{100'000}};
constexpr Instant at = start + seconds{20};

// Brings a fleet to the state before the event.
void prepare(Fleet& fleet, Before before) {
  Transitions out;
  const auto fold = [&](const Event& made, Instant now) { fleet.fold({&made, 1}, now, out); };
  if (before == Before::unknown) {
    return;
  }
  Event first = event(register_);
  if (before == Before::timed_out) {
    first.timeout_after_ms = Duration{18'999};
  }
  fold(first, start);
  switch (before) {
    case Before::unknown:
      break;
    case Before::running:
      fold(event(activity), at - seconds{1});
      break;
    case Before::idle:
      fold(event(activity), at - seconds{1});
      fold(event(idle), at - seconds{1});
      break;
    case Before::stale:
      fleet.advance(at - seconds{1}, at - seconds{1}, 10, out);
      REQUIRE(out.size() == 1);
      break;
    case Before::silently_stale:
      fold(event(idle, none, Duration{1}), start);
      fleet.advance(start + Duration{2}, start + Duration{2}, 10, out);
      fold(event(activity), start + Duration{2});
      fleet.advance(at, at, 10, out);
      REQUIRE(out.size() == 2);
      REQUIRE(fleet.runs_stale() == 1);
      break;
    case Before::ended:
      fold(event(unregister), at - seconds{1});
      break;
    case Before::timed_out:
      fleet.advance(at - seconds{1}, at - seconds{1}, 10, out);
      REQUIRE(fleet.runs_in_flight() == 0);
      break;
  }
}

}  // namespace

TEST_CASE("each event does to each state what the protocol's table says") {
  for (const Case& row : cases) {
    INFO(row.name);
    Limits limits;
    limits.stale_threshold_ms = silence;
    limits.stale_rearm = row.before != Before::silently_stale;
    Fleet fleet(limits);
    prepare(fleet, row.before);
    limits.adopt_unknown = row.adopt_unknown;
    fleet.set_limits(limits, at, Duration{});
    const Counters before = fleet.counters();

    Transitions out;
    fleet.fold({&row.event, 1}, at, out);

    const Counters& counters = fleet.counters();
    CHECK(counters.events_received_total == before.events_received_total + 1);
    CHECK(counters.events_folded_total - before.events_folded_total ==
          (row.verdict == Verdict::folded ? 1 : 0));
    CHECK(counters.events_zombie_total - before.events_zombie_total ==
          (row.verdict == Verdict::zombie ? 1 : 0));
    CHECK(counters.events_ignored_total - before.events_ignored_total ==
          (row.verdict == Verdict::ignored ? 1 : 0));

    const Run* run = fleet.find("pm", "1");
    REQUIRE((run != nullptr) == row.after.has_value());
    CHECK(fleet.runs_in_flight() == (row.after ? 1 : 0));
    CHECK(fleet.runs_idle() == (row.after == RunState::idle ? 1 : 0));
    CHECK(fleet.runs_stale() == (row.stale_after ? 1 : 0));
    if (run != nullptr) {
      CHECK(run->state == *row.after);
      CHECK(run->adopted == row.adopted);
      CHECK(run->stale == row.stale_after);
    }
    REQUIRE(out.size() == (row.resolved ? 1 : 0));
    if (row.resolved) {
      CHECK(out[0].kind == TransitionKind::resolved);
      CHECK(out[0].reason == *row.resolved);
      CHECK(out[0].episode == 1);
      CHECK(out[0].idle == seconds{20});
      CHECK(out[0].elapsed == seconds{20});
      CHECK(out[0].threshold == silence);
    }
  }
}

}  // namespace heartbeat::core
