#pragma once

#include <cstddef>

namespace heartbeat::test {

// How often this thread has allocated so far.
std::size_t allocations() noexcept;

}  // namespace heartbeat::test
