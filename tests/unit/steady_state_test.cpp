// What goes on all the time takes no memory: an allocation per event would be felt at a million of
// them a second.
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/fleet.hpp"
#include "integration/allocations.hpp"
#include "support/catch.hpp"
#include "unit/watched.hpp"
#include "wire/decode.hpp"
#include "wire/encode.hpp"

namespace heartbeat::core {

TEST_CASE("decoding and folding the events of runs that are known allocates nothing") {
  constexpr std::size_t runs = 100;
  std::array<std::string, runs> names;
  for (std::size_t run = 0; run < runs; ++run) {
    names[run] = "developer-agent-" + std::to_string(run);
  }
  std::uint64_t seq = 0;
  const auto batch_of = [&](EventKind kind) {
    std::vector<Event> events;
    for (const std::string& name : names) {
      Event event = numbered(make(kind, name, "run-1"), ++seq);
      event.task_id = "TASK-1234";
      event.phase = kind == idle ? "waiting:human" : "writing";
      event.sent_at = WallTime{seconds{seq}};
      if (kind == idle) {
        event.stale_after_ms = seconds{30};
      } else {
        event.progress = seq;
      }
      events.push_back(event);
    }
    std::string payload;
    wire::encode_batch(events, payload);
    return payload;
  };
  Fleet fleet{test_limits()};
  wire::EventDecoder decoder;
  Transitions out;
  Instant now = start;
  const auto read = [&](const std::string& payload) {
    decoder.clear();
    fleet.fold(decoder.decode(payload), now += ms, out);
    fleet.advance(now, now, runs, out);
  };
  for (const EventKind kind : {register_, activity, idle, activity}) {
    read(batch_of(kind));
  }
  std::vector<std::string> payloads;
  for (int turn = 0; turn < 10; ++turn) {
    payloads.push_back(batch_of(turn % 3 == 0 ? idle : activity));
  }
  const std::size_t before = test::allocations();
  for (const std::string& payload : payloads) {
    read(payload);
  }
  CHECK(test::allocations() == before);
  CHECK(fleet.counters().events_folded_total == runs * (4 + payloads.size()));
  CHECK(out.empty());
}

}  // namespace heartbeat::core
