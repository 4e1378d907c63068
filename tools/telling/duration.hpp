// Durations as people write and read them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "heartbeat/time.hpp"

namespace heartbeat::telling {

// Whole numbers with a unit (ms, s, m, h, d), one or several: 90s, 1500ms, 4m12s. At most ten
// years.
std::optional<Duration> parse_duration(std::string_view text);

// All of it, as parse_duration() reads it: 1s999ms, 5m, 2h30m.
std::string format_exactly(Duration duration);

// The two largest units: 350ms, 12s, 4m12s, 3h05m, 2d04h.
std::string format_duration(Duration duration);

}  // namespace heartbeat::telling
