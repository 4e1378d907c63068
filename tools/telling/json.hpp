// Messages as JSON, by their own field tables: keys and order are those of the wire.
#pragma once

#include <nlohmann/json.hpp>
#include <tuple>
#include <type_traits>

#include "heartbeat/message.hpp"
#include "heartbeat/status.hpp"

namespace heartbeat::telling {

using Json = nlohmann::ordered_json;

template <class Value>
Json to_json(const Value& value);

template <class Value>
Json to_json(const std::optional<Value>& value) {
  return value ? to_json(*value) : Json(nullptr);
}

template <class Value>
Json to_json(const std::vector<Value>& values) {
  Json out = Json::array();
  for (const Value& value : values) {
    out.push_back(to_json(value));
  }
  return out;
}

inline Json to_json(const CounterList& counters) {
  Json out = Json::object();
  for (const auto& [name, count] : counters) {
    out[name] = count;
  }
  return out;
}

template <class Value>
constexpr bool is_absent(const Value&) {
  return false;
}
template <class Value>
constexpr bool is_absent(const std::optional<Value>& value) {
  return !value;
}
template <class Value>
constexpr bool is_absent(const std::vector<Value>& values) {
  return values.empty();
}

// Adds the fields of `message` to the object `out`.
template <class T>
void add_fields(const T& message, Json& out) {
  const auto add = [&](const auto& field) {
    const auto& value = message.*field.member;
    if (field.presence != Presence::optional || !is_absent(value)) {
      out[std::string(field.key)] = to_json(value);
    }
  };
  std::apply([&](const auto&... field) { (add(field), ...); }, Message<T>::fields);
}

template <class Value>
Json to_json(const Value& value) {
  if constexpr (std::is_same_v<Value, Duration>) {
    return value.count();
  } else if constexpr (std::is_same_v<Value, WallTime>) {
    return value.time_since_epoch().count();
  } else if constexpr (std::is_constructible_v<Json, Value> &&
                       (std::is_arithmetic_v<Value> || std::is_same_v<Value, std::string>)) {
    return value;
  } else {
    Json out = Json::object();
    add_fields(value, out);
    return out;
  }
}

// {"success": true} and the fields of `reply`.
template <class Reply>
Json success(const Reply& reply) {
  Json out = {{"success", true}};
  add_fields(reply, out);
  return out;
}

}  // namespace heartbeat::telling
