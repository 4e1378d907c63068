// The only place that asks the system what time it is.
#pragma once

#include <chrono>

#include "heartbeat/time.hpp"

namespace heartbeat::bus {

// The boot clock, rounded down to a millisecond.
Instant boot_now();
// The same clock in full, for what is shorter than that.
std::chrono::nanoseconds since_boot();
// The wall clock, for people only: it may jump.
WallTime wall_now();
// How long the calling thread has run on a processor.
std::chrono::nanoseconds thread_worked();

}  // namespace heartbeat::bus
