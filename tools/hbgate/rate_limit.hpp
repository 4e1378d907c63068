// How many requests one address may send: a bucket of tokens for each, filled as time passes.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_map>

namespace heartbeat::hbgate {

class RateLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr double per_second = 1'000;
  static constexpr double at_once = 2'000;
  static constexpr std::size_t addresses_max = 10'000;  // beyond, the quietest are forgotten

  // Whether one more is allowed; it then counts.
  bool allow(const std::string& address, Time now);

 private:
  struct Bucket {
    double tokens = at_once;
    Time filled_at;
  };
  void forget_the_quiet(Time now);

  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace heartbeat::hbgate
