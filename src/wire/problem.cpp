#include "wire/problem.hpp"

#include <array>
#include <cstddef>
#include <cstdio>
#include <limits>

#include "heartbeat/event.hpp"
#include "wire/reader.hpp"
#include "wire/utf8.hpp"

namespace heartbeat::wire {
namespace {

constexpr std::size_t quoted_max = 40;  // bytes of a received string that are worth repeating

std::string shown(const Token& token) {
  switch (token.type) {
    case TokenType::nil:
      return "nothing";
    case TokenType::boolean:
      return token.boolean ? "true" : "false";
    case TokenType::unsigned_integer:
      return std::to_string(token.number);
    case TokenType::negative_integer:
      return std::to_string(static_cast<std::int64_t>(token.number));
    case TokenType::real: {
      std::array<char, 32> text{};
      const int length = std::snprintf(text.data(), text.size(), "%g", token.real);
      return {text.data(), static_cast<std::size_t>(length)};
    }
    case TokenType::string: {
      const std::string size = "a string of " + std::to_string(token.bytes.size()) + " bytes";
      if (!is_clean_text(token.bytes)) {
        return size + " that is not UTF-8 or has control characters";
      }
      return token.bytes.size() > quoted_max ? size : '"' + std::string{token.bytes} + '"';
    }
    case TokenType::other:
      return "binary data";
    case TokenType::array:
      return "a list";
    case TokenType::map:
      return "a map";
  }
  return {};
}

// The value that counts: of a key that appears twice, the last.
Token value_of(std::string_view payload, std::string_view key) {
  Reader reader{payload};
  Token map;
  Token found;
  if (!reader.next(map)) {
    return found;
  }
  for (std::uint64_t i = 0; i < map.number; ++i) {
    Token name;
    Token value;
    if (!reader.next(name) || !reader.skip(name, nesting_max) || !reader.next(value) ||
        !reader.skip(value, nesting_max)) {
      return found;
    }
    if (name.type == TokenType::string && name.bytes == key) {
      found = value;
    }
  }
  return found;
}

std::string range(const Bounds& bounds) {
  return bounds.max == std::numeric_limits<std::uint64_t>::max()
             ? " of at least " + std::to_string(bounds.min)
             : " from " + std::to_string(bounds.min) + " to " + std::to_string(bounds.max);
}

std::string described(Expected expected, const Bounds& bounds) {
  switch (expected) {
    case Expected::number:
      return "a whole number" + range(bounds);
    case Expected::text:
      return "UTF-8 text without control characters," + range(bounds) + " bytes";
    case Expected::flag:
      return "true or false";
    case Expected::list:
      return "a list of complete elements";
    case Expected::map:
      return "a complete map";
  }
  return {};
}

}  // namespace

std::string complaint(std::string_view payload, std::string_view key, Expected expected,
                      const Bounds& bounds) {
  return std::string{key} + ": got " + shown(value_of(payload, key)) + ", expected " +
         described(expected, bounds);
}

}  // namespace heartbeat::wire
