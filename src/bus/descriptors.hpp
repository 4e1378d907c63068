// File descriptors: that there are enough, and that the first three are what everybody takes them
// for.
#pragma once

#include <cstdint>

namespace heartbeat::bus {

// Raises this process's soft limit on open files to its hard limit. Returns the limit in force.
// libzmq needs one for each peer, and spins when there are none left.
std::uint64_t raise_descriptor_limit();

// Opens /dev/null in place of standard input, output or error where that was closed, so that what
// is written there goes nowhere, and not into a socket that happens to have the number. Before
// anything else is opened.
void hold_standard_descriptors();

}  // namespace heartbeat::bus
