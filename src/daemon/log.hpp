// The log: to standard error, written by a thread of its own, so that a blocked terminal or a full
// disk never holds up the loop. Lines beyond the queue push out the oldest.
#pragma once

#include <spdlog/logger.h>

#include <memory>

#include "daemon/options.hpp"

namespace heartbeat::daemon {

std::shared_ptr<spdlog::logger> make_logger(const Options& options);

}  // namespace heartbeat::daemon
