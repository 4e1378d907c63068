// The lines above the page: whether the monitor answers, how it is, and what is shown of how many.
#pragma once

#include <vector>

#include "watch/frame.hpp"

namespace heartbeat::hbctl::watch {

std::vector<Line> header_lines(const View& view, const Known& known, std::size_t columns,
                               Instant now);

}  // namespace heartbeat::hbctl::watch
