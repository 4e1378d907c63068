#include "monitor.hpp"

#include <utility>

namespace heartbeat::hbgate {

Monitor::Monitor(std::string endpoint, Duration timeout, int stop_fd, Duration asked_again_after)
    : timeout_(timeout),
      asked_again_after_(asked_again_after),
      client_(std::move(endpoint), timeout, 1, stop_fd) {}

}  // namespace heartbeat::hbgate
