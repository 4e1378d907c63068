// The only place that asks the system what time it is.
#pragma once

#include "heartbeat/time.hpp"

namespace heartbeat::bus {

// The boot clock, rounded down to a millisecond.
Instant boot_now();
// The wall clock, for people only: it may jump.
WallTime wall_now();

}  // namespace heartbeat::bus
