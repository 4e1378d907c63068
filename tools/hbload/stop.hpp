// Waits of hbload, which end early when it is to stop.
#pragma once

#include <atomic>
#include <chrono>

#include "heartbeat/time.hpp"

namespace heartbeat::hbload {

// No wait for a connection, an alert or an instant is longer before `stopped` is looked at.
inline constexpr Duration stop_look{100};

// Sleeps no shorter than `nap` at a time, even if that is too long.
void sleep_until(std::chrono::steady_clock::time_point at, const std::atomic<bool>& stopped,
                 std::chrono::microseconds nap = std::chrono::microseconds{0});

// 2 ms between two looks at a counter, which a time measured by them is exact to; less when
// `stop_fd` is readable.
void rest(int stop_fd);

}  // namespace heartbeat::hbload
