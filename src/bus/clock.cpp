#include "bus/clock.hpp"

#include <time.h>

#include <cerrno>
#include <system_error>

namespace heartbeat::bus {
namespace {

Duration read(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) {
    throw std::system_error(errno, std::generic_category(), "clock_gettime");
  }
  return std::chrono::duration_cast<Duration>(std::chrono::seconds{time.tv_sec} +
                                              std::chrono::nanoseconds{time.tv_nsec});
}

}  // namespace

Instant boot_now() { return Instant{read(CLOCK_BOOTTIME)}; }

WallTime wall_now() { return WallTime{read(CLOCK_REALTIME)}; }

}  // namespace heartbeat::bus
