// Time as types: a length, a reading of the monitor's clock, and a wall-clock reading are three
// different things, and the compiler keeps them apart. All count whole milliseconds, because the
// wire does.
#pragma once

#include <chrono>
#include <cstdint>

namespace heartbeat {

using Duration = std::chrono::milliseconds;

// Names the boot clock: it counts through suspend and never jumps. It has no now() on purpose:
// whoever needs the time is handed an Instant; src/bus reads the real clock.
struct BootClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock, Duration>;
  static constexpr bool is_steady = true;
};

// A reading of the monitor's clock. Comparable only within one boot of one machine.
using Instant = BootClock::time_point;

// Milliseconds since the Unix epoch, for people; decides nothing.
using WallTime = std::chrono::sys_time<Duration>;

// Ten years: the longest duration that the wire carries. A longer one that is to be waited counts
// as this.
inline constexpr Duration duration_max{315'576'000'000};

}  // namespace heartbeat
