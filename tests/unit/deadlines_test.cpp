#include "core/deadlines.hpp"

#include <cstdint>
#include <map>
#include <random>
#include <utility>

#include "support/catch.hpp"

namespace heartbeat::core {

TEST_CASE("the nearest deadline is on top, equal ones in order") {
  DeadlineQueue queue;
  queue.set(7, Instant{Duration{30}}, 1);
  queue.set(2, Instant{Duration{10}}, 3);
  queue.set(9, Instant{Duration{10}}, 2);
  REQUIRE(queue.top().slot == 9);
  queue.remove(9);
  REQUIRE(queue.top().slot == 2);
  queue.set(2, Instant{Duration{40}}, 3);
  REQUIRE(queue.top().slot == 7);
  REQUIRE(queue.size() == 2);
  queue.remove(7);
  queue.remove(2);
  REQUIRE(queue.empty());
}

TEST_CASE("the queue agrees with a sorted map however entries come, move and go") {
  const std::uint64_t seed = 20'261'124;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  DeadlineQueue queue;
  std::map<Slot, std::pair<Instant, std::uint64_t>> model;
  for (int step = 0; step < 20'000; ++step) {
    const Slot slot = static_cast<Slot>(random() % 200);
    if (model.contains(slot) && random() % 3 == 0) {
      queue.remove(slot);
      model.erase(slot);
    } else {
      const Instant due{Duration{static_cast<int>(random() % 50)}};
      queue.set(slot, due, slot);
      model[slot] = {due, slot};
    }
    REQUIRE(queue.size() == model.size());
    if (model.empty()) {
      continue;
    }
    auto nearest = model.begin();
    for (auto entry = model.begin(); entry != model.end(); ++entry) {
      nearest = entry->second < nearest->second ? entry : nearest;
    }
    REQUIRE(queue.top().slot == nearest->first);
    REQUIRE(queue.top().due == nearest->second.first);
  }
}

}  // namespace heartbeat::core
