// How many values lie between fixed bounds, and what they are together.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace heartbeat::core {

// `bounds` ascend; each belongs to the values below it. What exceeds the last is counted, too.
template <const auto& bounds>
class Histogram {
 public:
  static constexpr std::size_t size = bounds.size() + 1;
  static constexpr const auto& upper_bounds = bounds;

  void add(std::uint64_t value) {
    const auto* at = std::lower_bound(bounds.begin(), bounds.end(), value);
    ++counts_[static_cast<std::size_t>(at - bounds.begin())];
    sum_ += value;
  }
  // How many are not above each bound; the last = all.
  std::array<std::uint64_t, size> cumulative() const {
    std::array<std::uint64_t, size> so_far{};
    std::uint64_t count = 0;
    for (std::size_t at = 0; at < size; ++at) {
      so_far[at] = count += counts_[at];
    }
    return so_far;
  }
  std::uint64_t sum() const { return sum_; }
  bool operator==(const Histogram&) const = default;

 private:
  std::array<std::uint64_t, size> counts_{};
  std::uint64_t sum_ = 0;
};

}  // namespace heartbeat::core
