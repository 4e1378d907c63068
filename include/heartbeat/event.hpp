// An event: what an agent tells the monitor. Protocol: schemas/README.md, "Events".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "heartbeat/message.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat {

enum class EventKind : std::uint8_t { register_, activity, idle, unregister };

template <>
struct Names<EventKind> {
  static constexpr std::array<std::pair<EventKind, std::string_view>, 4> table{{
      {EventKind::register_, "register"},
      {EventKind::activity, "activity"},
      {EventKind::idle, "idle"},
      {EventKind::unregister, "unregister"},
  }};
};

// Why an event was not accepted: exactly one reason, the first that applies in this order.
enum class Rejection : std::uint8_t {
  malformed,
  batch_too_long,
  unsupported_version,
  missing_field,
  bad_type,
  bad_value,
  too_long,
  bad_utf8,
  unknown_kind,
  forbidden,
  rate_limited,
  too_many_runs,
};

template <>
struct Names<Rejection> {
  static constexpr std::array<std::pair<Rejection, std::string_view>, 12> table{{
      {Rejection::malformed, "malformed"},
      {Rejection::batch_too_long, "batch_too_long"},
      {Rejection::unsupported_version, "unsupported_version"},
      {Rejection::missing_field, "missing_field"},
      {Rejection::bad_type, "bad_type"},
      {Rejection::bad_value, "bad_value"},
      {Rejection::too_long, "too_long"},
      {Rejection::bad_utf8, "bad_utf8"},
      {Rejection::unknown_kind, "unknown_kind"},
      {Rejection::forbidden, "forbidden"},
      {Rejection::rate_limited, "rate_limited"},
      {Rejection::too_many_runs, "too_many_runs"},
  }};
};

// A value: the strings are views, owned by whoever made it (the caller, or the received message),
// and must outlive its use. nullopt = absent, which for strings differs from "" (clears).
struct Event {
  EventKind kind = EventKind::activity;
  std::string_view agent_id;  // 1–128 bytes
  std::string_view run_id;    // 0–128 bytes; "" is a run like any other
  std::optional<std::string_view> task_id;
  std::optional<std::string_view> agent_type;
  std::optional<Duration> running_for_ms;    // age of the run by the agent's own monotonic clock
  std::optional<Duration> idle_for_ms;       // age of its last activity by the same clock
  std::optional<Duration> stale_after_ms;    // a promise: "you hear from me within this time"
  std::optional<Duration> timeout_after_ms;  // this run's own limit; register only
  std::optional<std::string_view> phase;
  std::optional<std::uint64_t> progress;
  std::optional<std::string_view> detail;
  std::optional<std::string_view> outcome;  // unregister only
  std::string_view source;                  // the sending process incarnation; "" = none
  std::uint64_t seq = 0;                    // +1 per event of this source, from 1; 0 = none
  std::optional<WallTime> sent_at;          // the sender's wall clock; shown, never used

  // Set by the decoder. A rejected event still carries whichever of kind, source and seq could be
  // read, and agent_id with run_id if both could; nothing else of it may be used.
  std::optional<Rejection> rejected;
};

inline constexpr std::size_t batch_max = 1'024;               // events in one message
inline constexpr std::size_t message_bytes_max = 256 * 1024;  // the transport drops larger ones
inline constexpr int nesting_max = 8;                         // containers within containers
inline constexpr std::uint64_t seq_max = std::uint64_t{1} << 53;

template <>
struct Message<Event> {
  static constexpr Bounds any_duration{0, duration_max.count()};
  static constexpr Bounds positive_duration{1, duration_max.count()};
  static constexpr auto fields = std::tuple{
      Field{"kind", &Event::kind, Presence::required},
      Field{"agent_id", &Event::agent_id, Presence::required, {1, 128}},
      Field{"run_id", &Event::run_id, Presence::optional, {0, 128}},
      Field{"task_id", &Event::task_id, Presence::optional, {0, 128}},
      Field{"agent_type", &Event::agent_type, Presence::optional, {0, 64}},
      Field{"running_for_ms", &Event::running_for_ms, Presence::optional, any_duration},
      Field{"idle_for_ms", &Event::idle_for_ms, Presence::optional, any_duration},
      Field{"stale_after_ms", &Event::stale_after_ms, Presence::optional, positive_duration},
      Field{"timeout_after_ms", &Event::timeout_after_ms, Presence::optional, positive_duration},
      Field{"phase", &Event::phase, Presence::optional, {0, 64}},
      Field{"progress", &Event::progress, Presence::optional},
      Field{"detail", &Event::detail, Presence::optional, {0, 512}},
      Field{"outcome", &Event::outcome, Presence::optional, {0, 64}},
      Field{"source", &Event::source, Presence::optional, {1, 64}},
      Field{"seq", &Event::seq, Presence::optional, {1, seq_max}},
      Field{"sent_at", &Event::sent_at, Presence::optional},
  };
};

}  // namespace heartbeat
