// What the fleet knows of one run, in flight or ended.
//
// With many runs an event costs what it waits for memory. So the record holds what events read and
// write, in two cache lines; what few runs have is in a block of its own, and so are the strings.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "core/texts.hpp"
#include "heartbeat/event.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::core {

enum class RunState : std::uint8_t { unknown, running, idle, ended };
enum class EndedBy : std::uint8_t { unregister, timeout };

using Slot = std::uint32_t;
inline constexpr Slot no_slot = UINT32_MAX;

// Remembers the source of a run's last event, and how many before that event were missing by then.
struct SourceMark {
  Slot slot = no_slot;
  std::uint32_t incarnation = 0;  // of the slot: it may have been forgotten and reused
  std::uint64_t seq = 0;
  std::uint64_t missing = 0;
};

// An instant or none, in the size of an instant.
template <class Time>
class Maybe {
 public:
  Maybe() = default;
  Maybe(std::optional<Time> time) : time_(time.value_or(Time::min())) {}
  Maybe(Time time) : time_(time) {}
  operator std::optional<Time>() const {
    return time_ == Time::min() ? std::nullopt : std::optional{time_};
  }
  bool operator==(const Maybe&) const = default;
  // Else std::optional's own would take this for a value, and never equal to nullopt.
  bool operator==(const std::optional<Time>& other) const { return *this == Maybe{other}; }

 private:
  Time time_ = Time::min();
};

// What most runs do without.
struct RareFacts {
  Instant promised_at;               // with promise: the event that made it
  Duration promise{};                // zero = none: the configured threshold applies
  Duration paused_before_promise{};  // how long the monitor had been paused in all by then
  Duration timeout_after{};          // zero = the configured threshold applies
  Instant stale_since;               // when that was judged
  std::uint64_t opened = 0;   // which of all transitions was the first warning of the open episode
  Instant last_warning;       // of the open episode
  std::uint64_t episode = 0;  // the open stale episode; 0 = none
  Maybe<Instant> last_idle_event;
  std::uint32_t rejected_events = 0;
  std::uint32_t zombie_events = 0;
  Instant ended_at;
  Instant last_zombie;  // or the end, if none came since: a tombstone is kept from here on
  bool operator==(const RareFacts&) const = default;
};

struct alignas(64) Run {
  RunState state = RunState::unknown;
  EndedBy ended_by : 1 = EndedBy::unregister;
  bool adopted : 1 = false;
  bool stale : 1 = false;   // the silence limit has been passed and judged
  bool warned : 1 = false;  // since this registration
  // A deadline had passed when its first event was read, and was not judged yet. A restart forgets
  // it.
  bool told_late : 1 = false;
  // How long before `started` its first event may have been sent, by the monitor's fault. A restart
  // forgets it.
  std::uint16_t read_late_seconds = 0;
  std::uint32_t type = 0;  // its index in RunTypes, while in flight

  Instant started;
  Instant last_activity;
  // How long the monitor had been paused in all at that instant: silence counts only while somebody
  // could have listened.
  Duration paused_before_activity{};
  // The due time of its entry in the deadline queue; never after its own, except between new limits
  // and the requeue() that finds it.
  Instant queued;
  std::uint64_t order = 0;  // of registration: equal deadlines fire in this order
  Texts texts;

  std::unique_ptr<RareFacts> rare_facts;

  SourceMark source;
  std::uint64_t progress = 0;
  Maybe<WallTime> sent_at;
  Maybe<Instant> last_register_event;  // when the last of that kind was read
  Maybe<Instant> last_activity_event;

  Slot next_of_agent = no_slot;  // ring of one agent: runs in flight, then tombstones
  Slot previous_of_agent = no_slot;

  // What they are where there is no block of them.
  static constexpr RareFacts no_rare_facts{};
  const RareFacts& rare() const { return rare_facts ? *rare_facts : no_rare_facts; }
  bool has_promise() const { return rare().promise != Duration{}; }
  RareFacts& make_rare() {
    if (!rare_facts) {
      rare_facts = std::make_unique<RareFacts>();
    }
    return *rare_facts;
  }

  std::string_view agent_id() const { return texts.get(Text::agent_id); }
  std::string_view run_id() const { return texts.get(Text::run_id); }
  bool is(std::string_view agent, std::string_view run) const {
    return texts.begin_with(agent, run);
  }
  // REQUIRES: not unregister.
  std::optional<Instant> last_event(EventKind kind) const {
    return kind == EventKind::register_  ? last_register_event
           : kind == EventKind::activity ? last_activity_event
                                         : rare().last_idle_event;
  }
  bool in_flight() const { return state == RunState::running || state == RunState::idle; }
};

static_assert(sizeof(Run) == 128);

}  // namespace heartbeat::core
