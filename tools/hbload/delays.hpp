// From each deadline to the alert about it.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace heartbeat::hbload {

struct Delays {
  using TimePoint = std::chrono::steady_clock::time_point;

  // By number of the agent; not heard = missing. REQUIRES: as many of one as of the other, and at
  // least one.
  Delays(const std::vector<TimePoint>& deadlines,
         const std::vector<std::optional<TimePoint>>& heard);

  // At most this are `share` (0 to 1) of the delays: one of them, or 0 where there are none.
  double percentile_ms(double share) const;

  std::vector<double> ms;  // in order
  std::size_t missing = 0;
  std::size_t early = 0;           // before the deadline
  double deadlines_within_ms = 0;  // from the first to the last
};

}  // namespace heartbeat::hbload
