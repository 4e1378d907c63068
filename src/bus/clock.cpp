#include "bus/clock.hpp"

#include <time.h>

#include <cerrno>
#include <system_error>

namespace heartbeat::bus {
namespace {

std::chrono::nanoseconds read(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) {
    throw std::system_error(errno, std::generic_category(), "clock_gettime");
  }
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

}  // namespace

Instant boot_now() { return Instant{std::chrono::floor<Duration>(read(CLOCK_BOOTTIME))}; }

std::chrono::nanoseconds since_boot() { return read(CLOCK_BOOTTIME); }

WallTime wall_now() { return WallTime{std::chrono::floor<Duration>(read(CLOCK_REALTIME))}; }

std::chrono::nanoseconds thread_worked() { return read(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace heartbeat::bus
