#include "daemon/queue_age.hpp"

#include <deque>
#include <random>

#include "support/catch.hpp"

namespace heartbeat::daemon {
namespace {

Instant at(std::int64_t ms) { return Instant{Duration{ms}}; }

}  // namespace

TEST_CASE("an empty queue has no age, and the first that comes gives it one") {
  QueueAge age;
  age.hold(0, at(1));
  CHECK_FALSE(age.since());
  age.hold(2, at(10));
  age.hold(5, at(20));
  CHECK(age.since() == at(10));
  age.take(5, 0, at(30));
  CHECK_FALSE(age.since());
}

TEST_CASE("what came back is as old as it was") {
  QueueAge age;
  age.hold(1, at(10));
  age.take(1, 0, at(20));
  age.put_back(at(10), 1, at(30));
  CHECK(age.since() == at(10));
  age.take(1, 0, at(40));
  CHECK_FALSE(age.since());
}

TEST_CASE("a queue that is never empty is not said to be younger than it is, nor ever older") {
  std::mt19937 random(7);
  QueueAge age;
  std::deque<Instant> queue;
  for (int step = 0; step < 5'000; ++step) {
    const Instant now = at(step);
    const std::size_t come = 1 + random() % 4;
    queue.insert(queue.end(), come, now);
    age.hold(queue.size(), now);
    const std::size_t go = std::min<std::size_t>(queue.size() - 1, random() % 5);
    const Duration oldest = now - queue.front();
    queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(go));
    age.take(go, queue.size(), now);
    REQUIRE(age.since());
    REQUIRE(*age.since() <= queue.front());
    // All that is there came within about twice the time that one waits.
    REQUIRE(now - *age.since() <= 2 * oldest + Duration{200});
  }
}

}  // namespace heartbeat::daemon
