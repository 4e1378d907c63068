// Why a request or a reply cannot be used, in words that name the key, the value and what was
// expected.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "heartbeat/message.hpp"
#include "heartbeat/status.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::wire {

struct Problem {
  std::string code;  // as in an error reply: malformed, unsupported_version, bad_argument
  std::string message;
};

enum class Expected : std::uint8_t { number, text, flag, list, map };

template <class Member>
struct ExpectedOf {
  static constexpr Expected value = std::is_same_v<Member, std::uint64_t> ||
                                            std::is_same_v<Member, Duration> ||
                                            std::is_same_v<Member, WallTime>
                                        ? Expected::number
                                    : std::is_same_v<Member, bool> ? Expected::flag
                                                                   : requires {
    Message<Member>::fields;
  }
  ? Expected::map : Expected::text;
};
template <>
struct ExpectedOf<CounterList> {
  static constexpr Expected value = Expected::map;
};
template <class T>
struct ExpectedOf<std::vector<T>> {
  static constexpr Expected value = Expected::list;
};
template <class T>
struct ExpectedOf<std::optional<T>> : ExpectedOf<T> {};

// `limit: got 0, expected a whole number from 1 to 10000`. The text can itself be sent: it is clean
// whatever was received. REQUIRES of the payload: a well-formed map.
std::string complaint(std::string_view payload, std::string_view key, Expected expected,
                      const Bounds& bounds);

}  // namespace heartbeat::wire
