// What state a run is in, and how much it needs attention.
#pragma once

#include <string>

#include "heartbeat/status.hpp"

namespace heartbeat::telling {

// "running", "idle", "stale" (and else running), "stale, idle".
std::string state_of(const RunRow& run);
// Stale ones first, the longest silence before the others; then those with the least time left.
bool more_urgent(const RunRow& a, const RunRow& b);

}  // namespace heartbeat::telling
