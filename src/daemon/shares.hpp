// How much of each kind of work one turn, or one batch for the state file, may hold, so that none
// starves another. Nobody but a test has a reason to turn them.
#pragma once

#include <cstddef>

namespace heartbeat::daemon {

struct Shares {
  // Few enough that an alert which comes while they are written leaves within milliseconds.
  std::size_t runs_per_batch = 512;
  // One is enough: 20 a second pass over 1,000,000 runs in 50 s.
  std::size_t blocks_per_batch = 1;
  std::size_t sources_per_batch = 512;
};

}  // namespace heartbeat::daemon
