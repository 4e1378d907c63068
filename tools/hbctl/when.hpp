// Moments as people write them.
#pragma once

#include <optional>
#include <string_view>

#include "heartbeat/time.hpp"

namespace heartbeat::hbctl {

// A duration before `now` (2h, 90s, …), seconds or milliseconds since the epoch, or a date with or
// without a time of day: 2026-11-24, 2026-11-24T02:42:38.123Z, "2026-11-24 02:42+01:00"; local time
// where it names no zone.
std::optional<WallTime> parse_when(std::string_view text, WallTime now);

}  // namespace heartbeat::hbctl
