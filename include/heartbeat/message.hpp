// How a message is described. Beside each message's struct stands one specialisation of Message<>:
// its table of fields. Encoder, decoder and the tools' JSON all walk that table, so a key, its
// type and its bounds are written once.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace heartbeat {

enum class Presence : std::uint8_t {
  required,  // a decoder refuses the message without it
  always,    // an encoder always writes it; absent, a decoder leaves the member's default
  optional,  // an encoder leaves it out when it is empty or nullopt
};

// Bytes of a string, value of an integer, milliseconds of a duration.
struct Bounds {
  std::uint64_t min = 0;
  std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
};

template <class Struct, class Value>
struct Field {
  std::string_view key;
  Value Struct::*member;
  Presence presence = Presence::always;
  Bounds bounds{};
};

// Specialised beside each message: `static constexpr auto fields = std::tuple{Field{…}, …}`.
// A request also has `static constexpr std::string_view cmd`.
template <class T>
struct Message;

// Specialised beside each enum that the wire carries as a string:
// `static constexpr std::array<std::pair<Enum, std::string_view>, N> table`.
template <class Enum>
struct Names;

template <class Enum>
concept Named = requires {
  Names<Enum>::table;
};

template <Named Enum>
constexpr std::string_view name(Enum value) {
  for (const auto& [candidate, text] : Names<Enum>::table) {
    if (candidate == value) {
      return text;
    }
  }
  return {};
}

template <Named Enum>
constexpr std::optional<Enum> from_name(std::string_view text) {
  for (const auto& [candidate, candidate_text] : Names<Enum>::table) {
    if (candidate_text == text) {
      return candidate;
    }
  }
  return std::nullopt;
}

// Version of the wire protocol: the `v` of every message.
inline constexpr std::uint64_t protocol_version = 1;

}  // namespace heartbeat
