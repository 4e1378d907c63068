// The runs as a table that fits: where there is no room for all columns, the less important ones
// go.
#pragma once

#include <cstddef>
#include <vector>

#include "heartbeat/status.hpp"
#include "watch/frame.hpp"

namespace heartbeat::hbctl::watch {

// The header, and below it `count` runs from `first` on. Widths come from all of the runs, so that
// the columns stand still while one scrolls. `outdated` rows are dim, the `selected` one is
// highlighted.
std::vector<Line> table_lines(const std::vector<RunRow>& runs, std::size_t first, std::size_t count,
                              std::size_t selected, std::size_t columns, bool outdated);

}  // namespace heartbeat::hbctl::watch
