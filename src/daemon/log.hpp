// The monitor's log: standard error, written by its own thread so that a slow terminal or pipe
// never holds up the loop. When its queue is full the oldest lines are dropped, and counted.
#pragma once

#include <spdlog/fwd.h>

#include <cstdint>
#include <memory>

#include "daemon/options.hpp"

namespace heartbeat::daemon {

// One line per message whatever it contains: control characters are escaped.
// REQUIRES: options as read_options() gives them; signals are blocked already, for this starts
// threads. Call it once.
std::shared_ptr<spdlog::logger> make_logger(const Options& options);

std::uint64_t log_lines_dropped_total();

// Writes what is still queued. False: standard error did not take it within `limit`; its thread is
// still at it, so the process has to end without clean-up.
bool close_log(Duration limit);

}  // namespace heartbeat::daemon
