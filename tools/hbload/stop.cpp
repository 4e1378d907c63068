#include "stop.hpp"

#include <poll.h>

#include <algorithm>
#include <thread>

namespace heartbeat::hbload {

using Clock = std::chrono::steady_clock;

void sleep_until(Clock::time_point at, const std::atomic<bool>& stopped,
                 std::chrono::microseconds nap) {
  for (auto now = Clock::now(); now < at && !stopped; now = Clock::now()) {
    std::this_thread::sleep_until(std::clamp<Clock::time_point>(at, now + nap, now + stop_look));
  }
}

void rest(int stop_fd) {
  pollfd stop{stop_fd, POLLIN, 0};
  ::poll(&stop, 1, 2);
}

}  // namespace heartbeat::hbload
