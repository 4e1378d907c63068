#include "daemon/pauses.hpp"

#include <algorithm>
#include <utility>

namespace heartbeat::daemon {
namespace {

constexpr Duration shortest{50};

}  // namespace

Duration Pauses::turn(const Reading& reading, Duration slept) {
  const Reading before = std::exchange(last_, reading);
  const auto worked = std::chrono::ceil<Duration>(reading.worked - before.worked);
  const Duration pause = reading.now - before.now - worked - slept;
  if (pause <= shortest) {
    return Duration{};
  }
  ++total_;
  longest_ = std::max(longest_, pause);
  return pause;
}

}  // namespace heartbeat::daemon
