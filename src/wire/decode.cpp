#include "wire/decode.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace heartbeat::wire {
namespace {

constexpr auto instant_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

}  // namespace

Whole whole_number(const Token& token, std::uint64_t& out) {
  constexpr double two_to_64 = 18'446'744'073'709'551'616.0;
  switch (token.type) {
    case TokenType::unsigned_integer:
      out = token.number;
      return Whole::yes;
    case TokenType::negative_integer:
      return Whole::negative;
    case TokenType::real:
      if (!std::isfinite(token.real) || std::trunc(token.real) != token.real ||
          token.real >= two_to_64) {
        return Whole::not_whole;
      }
      if (token.real < 0) {
        return Whole::negative;
      }
      out = static_cast<std::uint64_t>(token.real);
      return Whole::yes;
    case TokenType::nil:
    case TokenType::boolean:
    case TokenType::string:
    case TokenType::other:
    case TokenType::array:
    case TokenType::map:
      return Whole::no_number;
  }
  return Whole::no_number;
}

bool Decoder::bad_text(const Token& token, const Bounds& bounds, int depth, Fault& fault) {
  if (token.type != TokenType::string) {
    fault = Fault::bad_type;
    return reader_.skip(token, depth);
  }
  fault = token.bytes.size() < bounds.min   ? Fault::bad_value
          : token.bytes.size() > bounds.max ? Fault::too_long
                                            : Fault::bad_utf8;
  return true;
}

bool Decoder::value(const Token& token, const Bounds& bounds, int depth, std::string& out,
                    Fault& fault) {
  std::string_view view;
  if (!value(token, bounds, depth, view, fault)) {
    return false;
  }
  out = view;
  return true;
}

bool Decoder::unusual_number(const Token& token, const Bounds& bounds, int depth,
                             std::uint64_t& out, Fault& fault) {
  std::uint64_t number = 0;
  const Whole whole = whole_number(token, number);
  if (whole == Whole::no_number) {
    fault = Fault::bad_type;
    return reader_.skip(token, depth);
  }
  if (whole != Whole::yes || number < bounds.min || number > bounds.max) {
    fault = Fault::bad_value;
    return true;
  }
  out = number;
  return true;
}

bool Decoder::value(const Token& token, const Bounds&, int depth, bool& out, Fault& fault) {
  if (token.type != TokenType::boolean) {
    fault = Fault::bad_type;
    return reader_.skip(token, depth);
  }
  out = token.boolean;
  return true;
}

bool Decoder::value(const Token& token, const Bounds& bounds, int depth, Duration& out,
                    Fault& fault) {
  const Bounds within{bounds.min, std::min(bounds.max, instant_max)};
  std::uint64_t number = 0;
  if (!value(token, within, depth, number, fault)) {
    return false;
  }
  out = Duration{static_cast<Duration::rep>(number)};
  return true;
}

// An instant beyond what the type holds is no reason to lose a heartbeat: it is only shown.
bool Decoder::value(const Token& token, const Bounds& bounds, int depth, WallTime& out,
                    Fault& fault) {
  std::uint64_t number = 0;
  if (!value(token, bounds, depth, number, fault)) {
    return false;
  }
  out = WallTime{Duration{static_cast<Duration::rep>(std::min(number, instant_max))}};
  return true;
}

bool Decoder::value(const Token& token, const Bounds&, int depth, CounterList& out, Fault& fault) {
  if (token.type != TokenType::map) {
    fault = Fault::bad_type;
    return reader_.skip(token, depth);
  }
  if (depth <= 0) {
    return false;
  }
  for (std::uint64_t i = 0; i < token.number; ++i) {
    Token key;
    Token count;
    auto& [name, number] = out.emplace_back();
    if (!reader_.next(key) || !value(key, Bounds{}, depth - 1, name, fault) ||
        !reader_.next(count) || !value(count, Bounds{}, depth - 1, number, fault)) {
      return false;
    }
  }
  return true;
}

std::optional<Problem> decode_head(std::string_view payload, Head& head) {
  Decoder decoder{payload};
  Token token;
  if (!decoder.reader().next(token) || token.type != TokenType::map) {
    return Problem{"malformed", "not a MessagePack map"};
  }
  for (std::uint64_t i = 0; i < token.number; ++i) {
    Token key;
    Token value;
    Fault fault = Fault::none;
    bool well_formed = decoder.reader().next(key) && decoder.reader().skip(key, nesting_max - 1) &&
                       decoder.reader().next(value);
    if (well_formed && key.type == TokenType::string && key.bytes == "error") {
      Error error;
      well_formed = decoder.value(value, Bounds{}, nesting_max - 1, error, fault);
      head.error = fault == Fault::none ? std::optional{error} : std::nullopt;
    } else if (well_formed) {
      if (key.type == TokenType::string && key.bytes == "v") {
        head.version = whole_number(value, head.v);
      } else if (key.type == TokenType::string && key.bytes == "cmd") {
        head.cmd = value.type == TokenType::string ? std::optional{value.bytes} : std::nullopt;
      } else if (key.type == TokenType::string && key.bytes == "ok") {
        head.ok = value.type == TokenType::boolean ? std::optional{value.boolean} : std::nullopt;
      }
      well_formed = decoder.reader().skip(value, nesting_max - 1);
    }
    if (!well_formed) {
      return Problem{"malformed", "not well-formed MessagePack"};
    }
  }
  if (!decoder.reader().at_end()) {
    return Problem{"malformed", "bytes behind the map"};
  }
  if (head.version != Whole::yes || head.v != protocol_version) {
    return Problem{"unsupported_version", "v: expected 1"};
  }
  return std::nullopt;
}

}  // namespace heartbeat::wire
