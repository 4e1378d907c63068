// All that a simulated world owes to chance, from one seed.
#pragma once

#include <cstdint>
#include <random>

#include "heartbeat/time.hpp"

namespace heartbeat::simulation {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}

  // From `least` to `most`, both possible.
  std::int64_t number(std::int64_t least, std::int64_t most) {
    return least +
           static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(most - least + 1));
  }
  Duration time(Duration least, Duration most) {
    return Duration{number(least.count(), most.count())};
  }
  bool one_in(std::int64_t n) { return number(1, n) == 1; }
  bool percent(int percent) { return number(1, 100) <= percent; }

 private:
  std::mt19937_64 random_;
};

}  // namespace heartbeat::simulation
