// How far the input was read, and how long the monitor itself stood still.
#include "daemon/watermark.hpp"

#include "daemon/pauses.hpp"
#include "support/catch.hpp"

namespace heartbeat::daemon {
namespace {

constexpr Instant start{std::chrono::hours{100}};
constexpr Duration ms{1};

}  // namespace

TEST_CASE("what was read is known up to the sending of the last probe that came back") {
  Watermark watermark{start};
  const auto first = watermark.sent(start + 10 * ms);
  const auto second = watermark.sent(start + 20 * ms);
  REQUIRE(watermark.read_to() == start);
  REQUIRE(watermark.lag(start + 25 * ms) == 15 * ms);
  watermark.returned(first);
  REQUIRE(watermark.read_to() == start + 10 * ms);
  REQUIRE(watermark.lag(start + 25 * ms) == 5 * ms);
  watermark.returned(second);
  REQUIRE(watermark.read_to() == start + 20 * ms);
  REQUIRE(watermark.lag(start + 25 * ms) == Duration{0});
}

TEST_CASE("a later probe answers for those before it, and an unknown one for none") {
  Watermark watermark{start};
  watermark.sent(start + 10 * ms);
  const auto second = watermark.sent(start + 20 * ms);
  watermark.returned(second);
  REQUIRE(watermark.read_to() == start + 20 * ms);
  REQUIRE(watermark.lag(start + 30 * ms) == Duration{0});
  watermark.sent(start + 30 * ms);
  watermark.lost();
  watermark.returned(second + 1);
  REQUIRE(watermark.read_to() == start + 20 * ms);
}

TEST_CASE("a probe that cannot be sent, and what is lost with a connection, is lag all the same") {
  Watermark watermark{start};
  watermark.unsent(start + 10 * ms);
  watermark.unsent(start + 60 * ms);
  REQUIRE(watermark.lag(start + 60 * ms) == 50 * ms);
  REQUIRE(watermark.awaits(start + 10 * ms));  // nothing is gained by looking again at once
  REQUIRE(watermark.wants_probe(start + 10 * ms, start + 61 * ms));
  watermark.sent(start + 70 * ms);
  REQUIRE(watermark.lag(start + 80 * ms) == 70 * ms);
  watermark.lost();
  const auto number = watermark.sent(start + 90 * ms);
  REQUIRE(watermark.lag(start + 90 * ms) == 80 * ms);
  watermark.returned(number);
  REQUIRE(watermark.lag(start + 95 * ms) == Duration{0});
}

TEST_CASE("a probe is wanted for a deadline that has passed and none on its way answers for") {
  Watermark watermark{start};
  REQUIRE_FALSE(watermark.wants_probe(std::nullopt, start + 10 * ms));
  REQUIRE_FALSE(watermark.wants_probe(start + 10 * ms, start + 10 * ms));
  REQUIRE(watermark.wants_probe(start + 10 * ms, start + 11 * ms));
  const auto number = watermark.sent(start + 11 * ms);
  REQUIRE(watermark.awaits(start + 10 * ms));
  REQUIRE_FALSE(watermark.wants_probe(start + 10 * ms, start + 12 * ms));
  // Sent before this deadline had passed.
  REQUIRE_FALSE(watermark.awaits(start + 11 * ms));
  REQUIRE(watermark.wants_probe(start + 11 * ms, start + 12 * ms));
  watermark.returned(number);
  REQUIRE_FALSE(watermark.wants_probe(start + 10 * ms, start + 12 * ms));  // fires now
}

TEST_CASE("without deadlines there is a probe each second, and never more than 64 on their way") {
  Watermark watermark{start};
  REQUIRE_FALSE(watermark.wants_probe(std::nullopt, start + 999 * ms));
  REQUIRE(watermark.wants_probe(std::nullopt, start + 1'000 * ms));
  Instant now = start;
  int sent = 0;
  while (watermark.wants_probe(now, now + ms) && sent < 1'000) {
    now += ms;
    watermark.sent(now);
    ++sent;
  }
  REQUIRE(sent == 64);
  REQUIRE_FALSE(watermark.wants_probe(now, now + std::chrono::hours{1}));
  REQUIRE(watermark.awaits(now + ms));  // so nobody tries again and again
}

TEST_CASE("the lag does not count the time in which the monitor stood still") {
  Watermark watermark{start};
  watermark.paused(7 * ms);
  watermark.sent(start);
  watermark.paused(30 * ms);
  REQUIRE(watermark.lag(start + 40 * ms) == 10 * ms);
}

TEST_CASE("a pause is what neither work nor the sleep that was asked for explains") {
  Pauses pauses{{start, std::chrono::milliseconds{5}}};
  // 40 ms of work and 20 of sleep.
  REQUIRE(pauses.turn({start + 60 * ms, std::chrono::milliseconds{45}}, 20 * ms) == Duration{0});
  // 50 ms unexplained are what a busy machine does.
  REQUIRE(pauses.turn({start + 110 * ms, std::chrono::milliseconds{45}}, 0 * ms) == Duration{0});
  REQUIRE(pauses.total() == 0);
  // One more is a pause, and 3 s within a sleep of 50 ms.
  REQUIRE(pauses.turn({start + 161 * ms, std::chrono::milliseconds{45}}, 0 * ms) == 51 * ms);
  REQUIRE(pauses.turn({start + 3'211 * ms, std::chrono::milliseconds{45}}, 50 * ms) == 3'000 * ms);
  // It is counted once.
  REQUIRE(pauses.turn({start + 3'212 * ms, std::chrono::milliseconds{45}}, 0 * ms) == Duration{0});
  REQUIRE(pauses.total() == 2);
  REQUIRE(pauses.longest() == 3'000 * ms);
}

}  // namespace heartbeat::daemon
