#pragma once

#include <cstdlib>

namespace heartbeat::core {

// For invariants, in a release too: a monitor that goes on with a broken state accuses the wrong
// agents, one that stops is missed within seconds.
inline void check(bool holds) {
  if (!holds) [[unlikely]] {
    std::abort();
  }
}

}  // namespace heartbeat::core
