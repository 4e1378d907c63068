// The pages besides the table, whole; what does not fit is scrolled to.
#pragma once

#include <cstddef>
#include <vector>

#include "watch/frame.hpp"

namespace heartbeat::hbctl::watch {

// Everything about the open run, as `hbctl show` has it. REQUIRES: the view has one open.
std::vector<Line> run_lines(const View& view, const Known& known, std::size_t columns,
                            bool outdated);

std::vector<Line> help_lines(std::size_t columns);

}  // namespace heartbeat::hbctl::watch
