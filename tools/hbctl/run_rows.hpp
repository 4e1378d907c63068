// Everything about one run, for people.
#pragma once

#include <vector>

#include "heartbeat/status.hpp"
#include "table.hpp"

namespace heartbeat::hbctl {

// What it is and its value, a row each; only what is known. As the monitor sent it: to be made fit
// for a terminal.
std::vector<Row> rows_of(const RunDetail& run);

}  // namespace heartbeat::hbctl
