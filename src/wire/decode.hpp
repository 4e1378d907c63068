// MessagePack to structs, by the tables in include/heartbeat.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "heartbeat/event.hpp"
#include "heartbeat/message.hpp"
#include "heartbeat/status.hpp"
#include "heartbeat/time.hpp"
#include "wire/problem.hpp"
#include "wire/reader.hpp"
#include "wire/utf8.hpp"

namespace heartbeat::wire {

// What is wrong with one value, in the order in which reasons count.
enum class Fault : std::uint8_t { none, bad_type, bad_value, too_long, bad_utf8, unknown_name };

// Reads values behind a token that has been taken. Each returns false only where the bytes are
// malformed; a well-formed value of the wrong kind is a fault, and passed over.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : reader_(bytes) {}
  Reader& reader() { return reader_; }

  bool value(const Token& token, const Bounds& bounds, int depth, std::string_view& out,
             Fault& fault) {
    if (token.type == TokenType::string && token.bytes.size() >= bounds.min &&
        token.bytes.size() <= bounds.max && is_clean_text(token.bytes)) {
      out = token.bytes;
      return true;
    }
    return bad_text(token, bounds, depth, fault);
  }
  bool value(const Token& token, const Bounds& bounds, int depth, std::string& out, Fault& fault);
  bool value(const Token& token, const Bounds& bounds, int depth, std::uint64_t& out,
             Fault& fault) {
    if (token.type == TokenType::unsigned_integer && token.number >= bounds.min &&
        token.number <= bounds.max) {
      out = token.number;
      return true;
    }
    return unusual_number(token, bounds, depth, out, fault);
  }
  bool value(const Token& token, const Bounds& bounds, int depth, bool& out, Fault& fault);
  bool value(const Token& token, const Bounds& bounds, int depth, Duration& out, Fault& fault);
  bool value(const Token& token, const Bounds& bounds, int depth, WallTime& out, Fault& fault);
  bool value(const Token& token, const Bounds& bounds, int depth, CounterList& out, Fault& fault);
  template <Named Enum>
  bool value(const Token& token, const Bounds& bounds, int depth, Enum& out, Fault& fault) {
    std::string_view text;
    if (!value(token, bounds, depth, text, fault)) {
      return false;
    }
    if (fault == Fault::none) {
      if (const auto named = from_name<Enum>(text)) {
        out = *named;
      } else {
        fault = Fault::unknown_name;
      }
    }
    return true;
  }
  template <class T>
  bool value(const Token& token, const Bounds& bounds, int depth, std::optional<T>& out,
             Fault& fault) {
    return value(token, bounds, depth, out.emplace(), fault);
  }
  template <class T>
  bool value(const Token& token, const Bounds&, int depth, std::vector<T>& out, Fault& fault) {
    if (token.type != TokenType::array) {
      fault = Fault::bad_type;
      return reader_.skip(token, depth);
    }
    if (depth <= 0) {
      return false;
    }
    out.clear();
    for (std::uint64_t i = 0; i < token.number; ++i) {
      Token element;
      if (!reader_.next(element) ||
          !value(element, Bounds{}, depth - 1, out.emplace_back(), fault)) {
        return false;
      }
    }
    return true;
  }
  template <class T>
  requires requires { Message<T>::fields; }
  bool value(const Token& token, const Bounds&, int depth, T& out, Fault& fault) {
    if (token.type != TokenType::map) {
      fault = Fault::bad_type;
      return reader_.skip(token, depth);
    }
    Fields<T> found;
    if (!fields(token, depth, out, found, [](std::string_view, const Token&) {})) {
      return false;
    }
    if (found.first_problem()) {
      fault = Fault::bad_value;
    }
    return true;
  }

  // What was found of a message's fields.
  template <class T>
  struct Fields {
    static constexpr std::size_t count = std::tuple_size_v<decltype(Message<T>::fields)>;
    std::array<Fault, count + 1> faults{};  // by place in the table
    bool faulty = false;  // there was one, be it of a value that a later one has replaced
    std::bitset<count + 1> present;
    bool bad_key = false;  // a key that is no string

    // The first field that has a fault, or is required and absent.
    std::optional<std::size_t> first_problem() const {
      std::size_t index = 0;
      std::optional<std::size_t> first;
      const auto look = [&](const auto& field) {
        const bool missing = field.presence == Presence::required && !present[index];
        if (!first && (missing || faults[index] != Fault::none)) {
          first = index;
        }
        ++index;
      };
      std::apply([&](const auto&... field) { (look(field), ...); }, Message<T>::fields);
      return first;
    }
  };

  // Reads the pairs of the map that `map` began. Pairs that are not in the table are shown to
  // `other` and passed over. Of a key that appears twice the last counts; nil is absent.
  template <class T, class Other>
  bool fields(const Token& map, int depth, T& out, Fields<T>& found, const Other& other) {
    if (depth <= 0) {
      return false;
    }
    Token key;
    Token token;
    for (std::uint64_t i = 0; i < map.number; ++i) {
      if (!reader_.next(key)) {
        return false;
      }
      if (key.type != TokenType::string) {
        found.bad_key = true;
        if (!reader_.skip(key, depth - 1) || !reader_.next(token) ||
            !reader_.skip(token, depth - 1)) {
          return false;
        }
        continue;
      }
      if (!reader_.next(token)) {
        return false;
      }
      bool well_formed = true;
      if (const std::size_t place = place_of<T>(key.bytes); place < Fields<T>::count) {
        well_formed = takers<T>[place](*this, token, depth - 1, out, found);
      } else {
        other(key.bytes, token);
        well_formed = reader_.skip(token, depth - 1);
      }
      if (!well_formed) {
        return false;
      }
    }
    return true;
  }

 private:
  // Where keys of each size begin in a message's table, and for each key the next of its size;
  // count where there is none. Few keys share a size, and those differ in their first byte.
  template <class T>
  struct Keys {
    static constexpr std::size_t count = Fields<T>::count;
    static constexpr std::size_t size_max = 31;
    std::array<std::string_view, count> keys;
    std::array<std::size_t, size_max + 1> first_of_size;
    std::array<std::size_t, count> next_of_size;

    constexpr Keys()
        : keys(std::apply(
              [](const auto&... field) {
                return std::array<std::string_view, count>{field.key...};
              },
              Message<T>::fields)) {
      first_of_size.fill(count);
      for (std::size_t place = count; place-- > 0;) {
        next_of_size[place] = first_of_size.at(keys[place].size());
        first_of_size.at(keys[place].size()) = place;
      }
    }
  };

  // REQUIRES: of one size, from 1 to 31. Keys are short: a call would cost more than the
  // comparison.
  static bool same_bytes(std::string_view a, std::string_view b) {
    const auto differ = [&](std::size_t at, auto word) {
      auto other = word;
      std::memcpy(&word, a.data() + at, sizeof word);
      std::memcpy(&other, b.data() + at, sizeof other);
      return word != other;
    };
    const std::size_t size = a.size();
    if (size >= 8) {
      return !differ(0, std::uint64_t{}) && !differ(size - 8, std::uint64_t{}) &&
             (size <= 16 || a.substr(8, size - 16) == b.substr(8, size - 16));
    }
    if (size >= 4) {
      return !differ(0, std::uint32_t{}) && !differ(size - 4, std::uint32_t{});
    }
    return !differ(0, std::uint8_t{}) && !differ(size - 1, std::uint8_t{}) &&
           !differ(size / 2, std::uint8_t{});
  }

  // The key's place in the table; count where it has none.
  template <class T>
  static std::size_t place_of(std::string_view key) {
    static constexpr Keys<T> table;
    if (key.empty() || key.size() > Keys<T>::size_max) {
      return Keys<T>::count;
    }
    std::size_t place = table.first_of_size[key.size()];
    while (place < Keys<T>::count &&
           (table.keys[place].front() != key.front() || !same_bytes(table.keys[place], key))) {
      place = table.next_of_size[place];
    }
    return place;
  }

  // Takes the value of the field in that place. False: malformed.
  template <class T, std::size_t place>
  static bool take(Decoder& decoder, const Token& token, int depth, T& out, Fields<T>& found) {
    constexpr auto field = std::get<place>(Message<T>::fields);
    auto& member = out.*field.member;
    if (found.present[place]) {  // the key a second time: nothing of the first value may stay
      member = T{}.*field.member;
    }
    const bool present = token.type != TokenType::nil;
    found.present[place] = present;
    Fault fault = Fault::none;
    const bool well_formed = !present || decoder.value(token, field.bounds, depth, member, fault);
    found.faults[place] = fault;
    found.faulty |= fault != Fault::none;
    return well_formed;
  }
  template <class T>
  using Taker = bool (*)(Decoder&, const Token&, int, T&, Fields<T>&);
  template <class T>
  static constexpr auto takers = []<std::size_t... places>(std::index_sequence<places...>) {
    return std::array<Taker<T>, sizeof...(places)>{&Decoder::take<T, places>...};
  }
  (std::make_index_sequence<Fields<T>::count>{});

  bool bad_text(const Token& token, const Bounds& bounds, int depth, Fault& fault);
  bool unusual_number(const Token& token, const Bounds& bounds, int depth, std::uint64_t& out,
                      Fault& fault);

  Reader reader_;
};

// A number that is whole: an integer of any width, or a float that happens to be one.
enum class Whole : std::uint8_t { no_number, not_whole, negative, yes };
Whole whole_number(const Token& token, std::uint64_t& out);

// Decodes the messages that come in on the event socket.
class EventDecoder {
 public:
  // The events of one message, in order. Their strings are views into `payload`; the span holds
  // until the next call. A message that is rejected as a whole yields one rejected event.
  std::span<const Event> decode(std::string_view payload);
  // Those of all messages since clear().
  std::span<const Event> all() const { return events_; }
  void clear() { events_.clear(); }

 private:
  std::vector<Event> events_;
};

// What every message but an event begins with.
struct Head {
  Whole version = Whole::no_number;
  std::uint64_t v = 0;
  std::optional<bool> ok;
  std::optional<std::string_view> cmd;
  std::optional<Error> error;
};
std::optional<Problem> decode_head(std::string_view payload, Head& head);

inline std::optional<Problem> decode_command(std::string_view payload, std::string& cmd) {
  Head head;
  if (auto problem = decode_head(payload, head)) {
    return problem;
  }
  if (!head.cmd) {
    return Problem{"bad_argument", "cmd: missing or no string; expected the name of a command"};
  }
  cmd = *head.cmd;
  return std::nullopt;
}

// REQUIRES of the payload: a well-formed map of a version that was checked, as decode_head does.
template <class T>
std::optional<Problem> decode_fields(std::string_view payload, T& out) {
  Decoder decoder{payload};
  Token token;
  Decoder::Fields<T> found;
  if (!decoder.reader().next(token) || token.type != TokenType::map ||
      !decoder.fields(token, nesting_max, out, found, [](std::string_view, const Token&) {}) ||
      !decoder.reader().at_end()) {
    return Problem{"malformed", "not one well-formed MessagePack map"};
  }
  if (found.bad_key) {
    return Problem{"bad_argument", "a key is no string; expected string keys"};
  }
  const auto first = found.first_problem();
  if (!first) {
    return std::nullopt;
  }
  Problem problem{"bad_argument", {}};
  std::size_t index = 0;
  const auto describe = [&](const auto& field) {
    if (index++ == *first) {
      using Member = std::remove_cvref_t<decltype(out.*field.member)>;
      problem.message = complaint(payload, field.key, ExpectedOf<Member>::value, field.bounds);
    }
  };
  std::apply([&](const auto&... field) { (describe(field), ...); }, Message<T>::fields);
  return problem;
}

template <class T>
std::optional<Problem> decode_message(std::string_view payload, T& out) {
  Head head;
  if (auto problem = decode_head(payload, head)) {
    return problem;
  }
  return decode_fields(payload, out);
}

template <class T>
std::variant<T, Error, Problem> decode_reply(std::string_view payload) {
  Head head;
  if (auto problem = decode_head(payload, head)) {
    return *problem;
  }
  if (!head.ok) {
    return Problem{"malformed", "ok: missing or no bool"};
  }
  if (!*head.ok) {
    if (!head.error) {
      return Problem{"malformed", "error: expected a map with at least a code"};
    }
    return *std::move(head.error);
  }
  T reply;
  if (auto problem = decode_fields(payload, reply)) {
    return *problem;
  }
  return reply;
}

}  // namespace heartbeat::wire
