// What decides when a run is silent or too long, and how much the fleet may hold.
#pragma once

#include <cstddef>

#include "heartbeat/time.hpp"

namespace heartbeat::core {

struct Limits {
  // Distance between the warnings of one stale episode (with stale_warning_only_once = false).
  Duration check_interval_ms{30'000};
  // Silence longer than this is stale.
  Duration stale_threshold_ms{300'000};
  // A run longer than this is taken out of flight.
  Duration timeout_threshold_ms{1'800'000};
  // One warning per stale episode; false repeats it every check interval.
  bool stale_warning_only_once = true;
  // A later silence of the same registration opens a new episode; false: one per registration.
  bool stale_rearm = true;
  // Activity of an unknown run starts it; false ignores it.
  bool adopt_unknown = true;
  // Runs in flight; a new one beyond is rejected. Tombstones: as many again, the oldest go first.
  std::size_t runs_max = 1'000'000;
  // How long an ended run is remembered, so that its late events revive nothing.
  Duration tombstone_ms{3'600'000};
};

// A sender not heard from for this long, or the least recently heard beyond that many, is
// forgotten: its next sequence number sets a new base.
inline constexpr Duration source_kept_ms{3'600'000};
inline constexpr std::size_t sources_max = 100'000;

// So many runs, and more than half of those in flight, that fell silent within this time are a
// storm: their agents have a cause in common. It ends below that many, or at a quarter.
inline constexpr std::size_t storm_runs_min = 10;
inline constexpr Duration storm_window{5'000};

// An event whose run began this much before the run in flight belongs to an earlier run.
inline constexpr Duration earlier_run_slack{5'000};
// A run's first event is taken for read no later than this after it was sent.
inline constexpr Duration read_late_max{std::chrono::hours{18}};

}  // namespace heartbeat::core
