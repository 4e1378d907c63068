// What the state file holds, as plain values. Instants are the boot clock's of the boot that wrote
// them; load() has moved them to this boot's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "heartbeat/time.hpp"

namespace heartbeat::store {

// A run in flight or a tombstone, at its place in the fleet. Enums are those of the core, by name:
// who opens the file with sqlite3 should be able to read it.
struct RunRecord {
  std::uint32_t slot = 0;
  std::string state;     // running, idle, ended
  std::string ended_by;  // ended: unregister, timeout
  std::string agent_id;
  std::string run_id;
  std::string task_id;
  std::string agent_type;
  std::string phase;
  std::string detail;
  std::string outcome;
  bool adopted = false;
  bool stale = false;
  bool warned = false;
  Instant started;
  Instant last_activity;  // the file also has it in its blocks, which are written more often
  Duration paused_before_activity{};  // of Globals::paused, what was before it
  Instant promised_at;
  Duration promise{};  // zero = none
  Duration paused_before_promise{};
  Duration timeout_after{};  // zero = none of its own
  Instant stale_since;
  Instant last_warning;
  std::uint64_t episode = 0;  // 0 = none open
  std::uint64_t opened = 0;
  std::uint64_t order = 0;
  std::uint64_t progress = 0;
  std::array<std::optional<Instant>, 3> last_event;  // register, activity, idle
  std::optional<WallTime> sent_at;
  std::uint32_t source_slot = UINT32_MAX;
  std::uint32_t source_incarnation = 0;
  std::uint64_t source_seq = 0;
  std::uint64_t source_missing = 0;
  std::uint32_t rejected_events = 0;
  std::uint32_t zombie_events = 0;
  Instant ended_at;
  Instant last_zombie;
  bool operator==(const RunRecord&) const = default;
};

struct SourceRecord {
  std::uint32_t slot = 0;
  std::string name;
  std::uint64_t highest = 0;
  std::uint64_t window = 0;
  std::uint64_t base = 0;
  std::uint64_t missing = 0;
  std::uint64_t rejected = 0;
  std::uint32_t incarnation = 0;
  Instant heard;
  bool operator==(const SourceRecord&) const = default;
};

// The last activity of a place. It names the run that it is of by its order, which no two runs
// share: whatever the place holds by now, it speaks for that run alone.
struct LastActivity {
  std::uint64_t order = 0;  // 0 = the place is empty
  Instant at;
  Duration paused_before{};
  bool operator==(const LastActivity&) const = default;
};

// Those of neighbouring places, from `first_slot` on.
inline constexpr std::uint32_t block_slots = 1024;
struct ActivityBlock {
  std::uint32_t first_slot = 0;             // a multiple of block_slots
  std::vector<LastActivity> last_activity;  // at most block_slots
};

struct AlertRecord {
  std::string epoch;
  std::uint64_t seq = 0;
  WallTime raised_at{};
  std::string severity;
  std::string kind;
  std::string agent_id;
  std::string run_id;
  std::string id;
  std::string message;
  std::string payload;  // as published: the MessagePack map
  bool operator==(const AlertRecord&) const = default;
};

// From the last batch of one monitor to the start of the next.
struct Downtime {
  Instant since;
  Instant until;
  bool operator==(const Downtime&) const = default;
};

// What there is one of.
struct Globals {
  std::string epoch;                        // the file's: that of its alerts
  std::uint64_t alert_seq = 0;              // of the last alert of that epoch
  std::uint64_t published = 0;              // alerts up to this seq have certainly been published
  std::vector<std::string> episode_epochs;  // what episode numbers' upper bits refer to
  std::uint64_t episodes = 0;
  std::uint64_t registrations = 0;
  std::uint64_t transitions = 0;
  std::uint64_t capacity_episode = 0;
  std::uint64_t storm = 0;
  std::uint32_t source_incarnations = 0;
  Duration paused{};                 // how long monitors of this file stood still in all
  std::optional<WallTime> grace_at;  // when restart_grace_ms was last granted
  bool operator==(const Globals&) const = default;
};

}  // namespace heartbeat::store
