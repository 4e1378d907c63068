// The monitor's log: standard error, written by its own thread so that a slow terminal or pipe
// never holds up the loop. When its queue is full the oldest lines are dropped, and counted by
// spdlog::thread_pool()->overrun_counter().
#pragma once

#include <spdlog/logger.h>

#include <memory>

#include "daemon/options.hpp"

namespace heartbeat::daemon {

// One line per message whatever it contains: control characters are escaped.
// REQUIRES: options as read_options() gives them; signals are blocked already, for this starts
// threads. spdlog::shutdown() at the end of main writes what is still queued.
std::shared_ptr<spdlog::logger> make_logger(const Options& options);

}  // namespace heartbeat::daemon
