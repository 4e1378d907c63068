// A fleet with short limits, and events for it.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/fleet.hpp"

namespace heartbeat::core {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

inline constexpr Instant start{hours{100}};
inline constexpr Duration ms{1};

inline Limits test_limits() {
  Limits limits;
  limits.check_interval_ms = seconds{1};
  limits.stale_threshold_ms = seconds{10};
  limits.timeout_threshold_ms = seconds{60};
  return limits;
}

inline Event make(EventKind kind, std::string_view agent_id = "pm", std::string_view run_id = "") {
  Event event;
  event.kind = kind;
  event.agent_id = agent_id;
  event.run_id = run_id;
  return event;
}

inline Event promise(EventKind kind, Duration length) {
  Event event = make(kind);
  event.stale_after_ms = length;
  return event;
}

inline Event numbered(Event event, std::uint64_t seq) {
  event.source = "s";
  event.seq = seq;
  return event;
}

inline constexpr auto register_ = EventKind::register_;
inline constexpr auto activity = EventKind::activity;
inline constexpr auto idle = EventKind::idle;
inline constexpr auto unregister = EventKind::unregister;

// Each call returns the transitions that it made.
struct Watched {
  Fleet fleet;

  explicit Watched(const Limits& limits = test_limits()) : fleet(limits) {}
  Transitions fold(const Event& event, Duration at) {
    Transitions out;
    fleet.fold({&event, 1}, start + at, out);
    return out;
  }
  void set_limits(const Limits& limits, Duration at = Duration{0}, Duration grace = Duration{0}) {
    fleet.set_limits(limits, start + at, grace);
  }
  Transitions advance(Duration at) {
    Transitions out;
    fleet.advance(start + at, start + at, 1'000'000, out);
    return out;
  }
};

}  // namespace heartbeat::core
