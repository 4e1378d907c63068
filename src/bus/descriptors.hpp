// libzmq needs one file descriptor for each peer, and spins when there are none left.
#pragma once

#include <cstdint>

namespace heartbeat::bus {

// Raises this process's soft limit on open files to its hard limit. Returns the limit in force.
std::uint64_t raise_descriptor_limit();

}  // namespace heartbeat::bus
