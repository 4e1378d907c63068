// Moments as people read them.
#pragma once

#include <string>

#include "heartbeat/time.hpp"

namespace heartbeat::telling {

// Local time: 2026-11-24 02:42:38.
std::string format_time(WallTime time);

}  // namespace heartbeat::telling
