#include "delays.hpp"

#include <algorithm>
#include <cmath>

namespace heartbeat::hbload {
namespace {

double in_ms(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

Delays::Delays(const std::vector<TimePoint>& deadlines,
               const std::vector<std::optional<TimePoint>>& heard) {
  for (std::size_t agent = 0; agent < deadlines.size(); ++agent) {
    if (!heard[agent]) {
      ++missing;
      continue;
    }
    ms.push_back(in_ms(*heard[agent] - deadlines[agent]));
    early += ms.back() < 0 ? 1U : 0U;
  }
  std::sort(ms.begin(), ms.end());
  const auto [first, last] = std::minmax_element(deadlines.begin(), deadlines.end());
  deadlines_within_ms = in_ms(*last - *first);
}

double Delays::percentile_ms(double share) const {
  if (ms.empty()) {
    return 0;
  }
  const double rank = std::ceil(share * static_cast<double>(ms.size()));
  return ms[std::max<std::size_t>(static_cast<std::size_t>(rank), 1) - 1];
}

}  // namespace heartbeat::hbload
