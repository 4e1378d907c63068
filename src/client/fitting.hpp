// Text for the string fields of an event.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "client/printable.hpp"
#include "heartbeat/event.hpp"

namespace heartbeat::client {

// What the contract allows for the field, from its one description.
template <class Member>
Bounds bounds_of(Member Event::*member) {
  return std::apply(
      [member](const auto&... field) {
        Bounds bounds{};
        const auto look = [&](const auto& candidate) {
          if constexpr (std::is_same_v<decltype(candidate.member), Member Event::*>) {
            if (candidate.member == member) {
              bounds = candidate.bounds;
            }
          }
        };
        (look(field), ...);
        return bounds;
      },
      Message<Event>::fields);
}

// The text made fit to be accepted: decoration must not cost a heartbeat.
template <class Member>
std::string fitting(Member Event::*member, std::string_view text) {
  return printable(text, bounds_of(member).max);
}

// What the contract allows of it.
inline std::optional<Duration> acceptable_wait(std::optional<Duration> duration) {
  return duration ? std::optional{std::clamp(*duration, Duration{1}, duration_max)} : std::nullopt;
}

}  // namespace heartbeat::client
