// Structs to MessagePack, by the tables in include/heartbeat. Appends to `out`.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <msgpack.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "heartbeat/event.hpp"
#include "heartbeat/message.hpp"
#include "heartbeat/status.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::wire {

// A map that is encoded already; written as it is.
struct EncodedMap {
  std::string_view bytes;
};

// What msgpack::packer writes to.
class StringSink {
 public:
  explicit StringSink(std::string& out) : out_(out) {}
  void write(const char* bytes, std::size_t size) { out_.append(bytes, size); }

 private:
  std::string& out_;
};

class Encoder {
 public:
  explicit Encoder(std::string& out) : out_(out), sink_(out), packer_(sink_) {}

  // The map of a message: `v`, the `leading` keys and values, the fields of `body`.
  template <class T, class... Leading>
  void message(const T& body, const Leading&... leading) {
    static_assert(sizeof...(leading) % 2 == 0);
    map(1 + sizeof...(leading) / 2 + fields_in(body));
    value("v");
    value(protocol_version);
    (value(leading), ...);
    fields(body);
  }

  void map(std::uint32_t pairs) { packer_.pack_map(pairs); }
  void array(std::uint32_t elements) { packer_.pack_array(elements); }

  void value(std::string_view text) {
    packer_.pack_str(static_cast<std::uint32_t>(text.size()));
    packer_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
  }
  void value(const std::string& text) { value(std::string_view{text}); }
  void value(const char* text) { value(std::string_view{text}); }
  void value(std::uint64_t number) { packer_.pack_uint64(number); }
  void value(bool flag) { flag ? packer_.pack_true() : packer_.pack_false(); }
  // What grows while it is watched may outgrow what a duration on the wire may be.
  void value(Duration duration) { packer_.pack_int64(std::min(duration, duration_max).count()); }
  void value(WallTime time) { packer_.pack_int64(time.time_since_epoch().count()); }
  void value(const EncodedMap& encoded) { out_.append(encoded.bytes); }
  void value(const CounterList& counters) {
    map(static_cast<std::uint32_t>(counters.size()));
    for (const auto& [name, count] : counters) {
      value(name);
      value(count);
    }
  }
  template <Named Enum>
  void value(Enum named) {
    value(name(named));
  }
  template <class T>
  void value(const std::optional<T>& optional) {
    if (optional) {
      value(*optional);
    } else {
      packer_.pack_nil();
    }
  }
  template <class T>
  void value(const std::vector<T>& elements) {
    array(static_cast<std::uint32_t>(elements.size()));
    for (const T& element : elements) {
      value(element);
    }
  }
  template <class T>
  requires requires { Message<T>::fields; }
  void value(const T& message) {
    map(fields_in(message));
    fields(message);
  }

 private:
  template <class T>
  static std::uint32_t fields_in(const T& message) {
    std::uint32_t count = 0;
    each(message, [&](std::string_view, const auto&) { ++count; });
    return count;
  }
  template <class T>
  void fields(const T& message) {
    each(message, [&](std::string_view key, const auto& member) {
      value(key);
      value(member);
    });
  }

  static bool empty(std::string_view text) { return text.empty(); }
  static bool empty(std::uint64_t number) { return number == 0; }
  template <class T>
  static bool empty(const std::optional<T>& optional) {
    return !optional;
  }
  template <class T>
  static bool empty(const std::vector<T>& list) {
    return list.empty();
  }

  template <class T, class Visit>
  static void each(const T& message, const Visit& visit) {
    std::apply(
        [&](const auto&... field) {
          [[maybe_unused]] const auto one = [&](const auto& f) {
            const auto& member = message.*f.member;
            if constexpr (requires { empty(member); }) {
              if (f.presence == Presence::optional && empty(member)) {
                return;
              }
            }
            visit(f.key, member);
          };
          (one(field), ...);
        },
        Message<T>::fields);
  }

  std::string& out_;
  StringSink sink_;
  msgpack::packer<StringSink> packer_;
};

// Event, Alert, Beat.
template <class T>
void encode(const T& message, std::string& out) {
  Encoder{out}.message(message);
}

inline void encode_batch(std::span<const Event> events, std::string& out) {
  Encoder{out}.array(static_cast<std::uint32_t>(events.size()));
  for (const Event& event : events) {
    encode(event, out);
  }
}

template <class T>
void encode_request(const T& request, std::string& out) {
  Encoder{out}.message(request, "cmd", Message<T>::cmd);
}

template <class T>
void encode_reply(const T& reply, std::string& out) {
  Encoder{out}.message(reply, "ok", true);
}

inline void encode_error(const Error& error, std::string& out) {
  Encoder encoder{out};
  encoder.map(3);
  encoder.value("v");
  encoder.value(protocol_version);
  encoder.value("ok");
  encoder.value(false);
  encoder.value("error");
  encoder.value(error);
}

}  // namespace heartbeat::wire
