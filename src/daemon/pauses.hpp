// Finds out when the monitor itself did not run (SIGSTOP, a VM's pause, suspend, swap, a starved
// machine): what has passed since the last turn began, less the time that its thread worked and the
// time that it was asked to sleep.
#pragma once

#include <chrono>
#include <cstdint>

#include "heartbeat/time.hpp"

namespace heartbeat::daemon {

class Pauses {
 public:
  // Readings of the clock and of this thread's CPU time.
  struct Reading {
    Instant now;
    std::chrono::nanoseconds worked{};
  };
  explicit Pauses(const Reading& first) : last_(first) {}

  // At the beginning of each turn. `slept`: as long as the poll was asked to, or less where it
  // returned early. Returns the pause since the last turn began; zero where it was a short one.
  Duration turn(const Reading& reading, Duration slept);

  std::uint64_t total() const { return total_; }
  Duration longest() const { return longest_; }

 private:
  Reading last_;
  std::uint64_t total_ = 0;
  Duration longest_{};
};

}  // namespace heartbeat::daemon
