#include "monitor.hpp"

#include <utility>

namespace heartbeat::hbgate {

Monitor::Monitor(std::string endpoint, Duration timeout, int stop_fd)
    : timeout_(timeout), client_(std::move(endpoint), timeout, 1, stop_fd) {}

}  // namespace heartbeat::hbgate
