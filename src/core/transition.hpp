// What the fleet decides: each transition becomes one alert. Owns its strings, because the run
// may be gone by the time it is read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heartbeat/message.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::core {

enum class TransitionKind : std::uint8_t { stale, timeout, resolved, storm, capacity };

// Why an episode was resolved.
enum class Reason : std::uint8_t { none, activity, promise, unregistered, re_registered, subsided };

struct Transition {
  std::uint32_t slot = UINT32_MAX;  // the run's place; UINT32_MAX = none (storm, capacity)
  TransitionKind kind = TransitionKind::stale;
  Reason reason = Reason::none;  // none unless kind is resolved
  std::uint64_t episode = 0;     // from 1; a stale episode keeps it through repeats and resolved
  std::uint64_t supersedes = 0;  // timeout: the open stale episode it closes; 0 = none
  TransitionKind ends = TransitionKind::stale;  // resolved: an episode of this kind
  std::uint64_t storm = 0;  // stale, timeout: the storm that it is part of; 0 = none
  std::uint64_t since = 0;  // storm: the first that belongs to it was so many transitions ago
  std::string agent_id;     // "" where it concerns the whole fleet (storm, capacity)
  std::string run_id;
  std::string task_id;
  std::string agent_type;
  Duration idle{};       // since the last activity; resolved: the silence that ended
  Duration elapsed{};    // since the run started
  Duration threshold{};  // the limit that was crossed
  // Timeout, and a first warning: what was exceeded. nullopt where it was already when the monitor
  // was told of the run.
  std::optional<Instant> deadline;
  std::uint64_t lost_events = 0;  // of the run's source, after the run's last event
  Duration blind{};               // of that silence: how long the monitor itself was paused
  // storm: runs that fell silent, of those in flight; its resolved: runs that are stale, of those
  // in flight; capacity and its resolved: runs in flight, of runs_max.
  std::size_t runs = 0;
  std::size_t of_runs = 0;
  bool operator==(const Transition&) const = default;
};

using Transitions = std::vector<Transition>;

}  // namespace heartbeat::core

namespace heartbeat {

template <>
struct Names<core::TransitionKind> {
  static constexpr std::array<std::pair<core::TransitionKind, std::string_view>, 5> table{{
      {core::TransitionKind::stale, "stale"},
      {core::TransitionKind::timeout, "timeout"},
      {core::TransitionKind::resolved, "resolved"},
      {core::TransitionKind::storm, "storm"},
      {core::TransitionKind::capacity, "capacity"},
  }};
};

template <>
struct Names<core::Reason> {
  static constexpr std::array<std::pair<core::Reason, std::string_view>, 6> table{{
      {core::Reason::none, ""},
      {core::Reason::activity, "activity"},
      {core::Reason::promise, "promise"},
      {core::Reason::unregistered, "unregistered"},
      {core::Reason::re_registered, "re-registered"},
      {core::Reason::subsided, "subsided"},
  }};
};

}  // namespace heartbeat
