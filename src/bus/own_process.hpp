// What this process uses of its machine.
#pragma once

#include <cstdint>

#include "heartbeat/time.hpp"

namespace heartbeat::bus {

struct OwnProcess {
  Duration cpu{};  // of all its threads, since it began
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;  // the limit in force
};

// Reads /proc/self, some ten microseconds and one for each ten descriptors. What cannot be read
// is 0.
OwnProcess own_process();

}  // namespace heartbeat::bus
