// What the fleet knows of one run, in flight or ended.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/texts.hpp"
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

struct Run {
  RunState state = RunState::unknown;
  EndedBy ended_by = EndedBy::unregister;
  bool adopted = false;
  bool stale = false;   // the silence limit has been passed and judged
  bool warned = false;  // since this registration
  // How long before `started` its first event may have been sent, by the monitor's fault. A restart
  // forgets it.
  std::uint16_t read_late_seconds = 0;

  Instant started;
  Instant last_activity;
  // How long the monitor had been paused in all at that instant, and when the promise was made:
  // silence counts only while somebody could have listened.
  Duration paused_before_activity{};
  Duration paused_before_promise{};
  // The due time of its entry in the deadline queue; never after its own, except between new limits
  // and the requeue() that finds it.
  Instant queued;
  Instant promised_at;        // with promise: the event that made it
  Duration promise{};         // zero = none: the configured threshold applies
  Duration timeout_after{};   // zero = the configured threshold applies
  Instant stale_since;        // when that was judged
  std::uint64_t opened = 0;   // which of all transitions was the first warning of the open episode
  Instant last_warning;       // of the open episode
  std::uint64_t episode = 0;  // the open stale episode; 0 = none
  std::uint64_t order = 0;    // of registration: equal deadlines fire in this order

  std::uint64_t progress = 0;
  std::array<std::optional<Instant>, 3> last_event;  // by EventKind: register, activity, idle
  std::optional<WallTime> sent_at;
  SourceMark source;
  std::uint32_t rejected_events = 0;
  std::uint32_t zombie_events = 0;

  Instant ended_at;
  Instant last_zombie;  // or the end, if none came since: a tombstone is kept from here on

  Slot next_of_agent = no_slot;  // ring of one agent: runs in flight, then tombstones
  Slot previous_of_agent = no_slot;
  Texts texts;

  std::string_view agent_id() const { return texts.get(Text::agent_id); }
  std::string_view run_id() const { return texts.get(Text::run_id); }
  bool is(std::string_view agent, std::string_view run) const {
    return agent_id() == agent && run_id() == run;
  }
  bool in_flight() const { return state == RunState::running || state == RunState::idle; }
};

}  // namespace heartbeat::core
