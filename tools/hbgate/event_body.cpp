#include "event_body.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>
#include <type_traits>

#include "client/fitting.hpp"

namespace heartbeat::hbgate {

namespace {

Response refuse_batch(Rejection reason, const std::string& got) {
  const std::string message = std::string(name(reason)) + ": got " + got + ", expected 1 to " +
                              std::to_string(batch_max) + " events";
  return respond({{"success", false},
                  {"error", {{"code", "rejected"}, {"message", message}}},
                  {"rejected", Json::array()}},
                 422);
}

// Before it is parsed: what is too deep or too much is not worth that. By brackets and commas,
// which is right for whatever is JSON; what is none, the parser finds. Throws Refusal.
void check_shape(std::string_view body) {
  int depth = 0;
  std::size_t commas = 0;  // between the elements of the array that the body is, if it is one
  bool in_string = false;
  const bool array =
      body.substr(std::min(body.find_first_not_of(" \t\r\n"), body.size())).starts_with('[');
  for (std::size_t at = 0; at < body.size(); ++at) {
    const char c = body[at];
    if (in_string) {
      at += c == '\\' ? 1U : 0U;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > nesting_max) {
        throw Refusal(refuse(400, "malformed",
                             "the body is nested deeper than " + std::to_string(nesting_max)));
      }
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && array && depth == 1 && ++commas == batch_max) {
      throw Refusal(refuse_batch(Rejection::batch_too_long, "an array of more"));
    }
  }
}

// Of the escape \uXXXX at that place.
std::optional<unsigned> escaped_unit(std::string_view body, std::size_t at) {
  constexpr std::size_t digits = 4;
  if (body.substr(std::min(at, body.size()), 2) != "\\u" || body.size() - at < 2 + digits) {
    return std::nullopt;
  }
  const char* const first = body.data() + at + 2;
  unsigned unit = 0;
  const auto [stop, error] = std::from_chars(first, first + digits, unit, 16);
  return error == std::errc{} && stop == first + digits ? std::optional{unit} : std::nullopt;
}

// Python writes one for each byte of a name that is no text (PEP 383), and for a single one the
// parser would refuse the whole body. A control character stands in: decoration is cleaned of it,
// and an id, which must name one agent alone, is rejected for it.
std::string without_lone_surrogates(std::string_view body) {
  constexpr std::size_t size = 6;
  constexpr const char* substitute = "001a";
  const auto is_high = [](auto unit) { return unit && *unit >= 0xd800 && *unit <= 0xdbff; };
  const auto is_low = [](auto unit) { return unit && *unit >= 0xdc00 && *unit <= 0xdfff; };
  std::string mended(body);
  std::size_t at = 0;
  while ((at = mended.find('\\', at)) != std::string::npos) {
    const auto unit = escaped_unit(mended, at);
    if (!unit) {
      at += 2;  // `\\` among others
    } else if (is_high(unit) && is_low(escaped_unit(mended, at + size))) {
      at += 2 * size;
    } else {
      if (is_high(unit) || is_low(unit)) {
        mended.replace(at + 2, size - 2, substitute);
      }
      at += size;
    }
  }
  return mended;
}

// Why the monitor would not take it, of an event that the decoder has refused.
std::string why_rejected(const nlohmann::json& event, Rejection reason) {
  constexpr const char* kinds = ", expected one of register, activity, idle, unregister";
  switch (reason) {
    case Rejection::malformed:
      return "expected a map with v, kind and agent_id";
    case Rejection::unsupported_version:
      return "v: got " + event["v"].dump() + ", expected " + std::to_string(protocol_version);
    case Rejection::unknown_kind:
      return "kind: got " + event["kind"].dump() + kinds;
    default:
      break;
  }
  if (!event["v"].is_number()) {
    return "v: got " + event["v"].dump() + ", expected " + std::to_string(protocol_version);
  }
  if (!event.contains("kind") || !event["kind"].is_string()) {
    return "kind: got " + (event.contains("kind") ? event["kind"].dump() : "nothing") + kinds;
  }
  if (event.contains("seq") && !event.contains("source")) {
    return "source: missing, which seq needs";
  }
  std::string payload;
  nlohmann::json::to_msgpack(event, payload);
  Event decoded;
  const auto problem = wire::decode_fields(payload, decoded);
  return problem ? problem->message : std::string(name(reason));
}

// Made fit, whatever it is: decoration costs no heartbeat.
constexpr std::array<std::string_view, 2> decorations{"detail", "phase"};

template <class Member>
void fit(nlohmann::json& event, std::string_view key, Member Event::*member) {
  const auto found = event.find(key);
  if (found != event.end() && found->is_string()) {
    *found = client::fitting(member, found->get_ref<const std::string&>());
  }
}

void complete(nlohmann::json& event) {
  if (!event.is_object()) {
    return;
  }
  if (!event.contains("v")) {
    event["v"] = protocol_version;
  }
  fit(event, decorations[0], &Event::detail);
  fit(event, decorations[1], &Event::phase);
}

// As a value of the event's field; a text for a number is what it is.
template <class Value>
nlohmann::json json_of(Parameters& parameters, std::string_view key, const Bounds& bounds) {
  if constexpr (std::is_same_v<Value, std::string_view>) {
    const bool decoration =
        std::find(decorations.begin(), decorations.end(), key) != decorations.end();
    const auto text = decoration ? parameters.bytes(key) : parameters.text(key);
    return text ? nlohmann::json(*text) : nlohmann::json();
  } else {
    const auto number = parameters.number(key, bounds);
    return number ? nlohmann::json(*number) : nlohmann::json();
  }
}

template <class Value>
struct Plain {
  using Type = Value;
};
template <class Value>
struct Plain<std::optional<Value>> {
  using Type = Value;
};

}  // namespace

EventBody::EventBody(std::string_view body) { take(parse(body)); }

EventBody::EventBody(Body event, Parameters& parameters) {
  const auto add = [&](const auto& field) {
    using Value = typename Plain<std::remove_cvref_t<decltype(Event{}.*field.member)>>::Type;
    const bool own = field.key == "source" || field.key == "seq";  // the gateway's
    if constexpr (!std::is_same_v<Value, EventKind>) {
      if (!own && !event.contains(field.key)) {
        Body value = json_of<Value>(parameters, field.key, field.bounds);
        if (!value.is_null()) {
          event[std::string(field.key)] = std::move(value);
        }
      }
    }
  };
  std::apply([&](const auto&... field) { (add(field), ...); }, Message<Event>::fields);
  take(std::move(event));
}

EventBody::Body EventBody::parse(std::string_view body) {
  check_shape(body);
  try {
    return Body::parse(without_lone_surrogates(body));
  } catch (const Body::exception& error) {
    throw Refusal(refuse(400, "malformed", std::string("the body is no JSON: ") + error.what()));
  }
}

void EventBody::take(Body body) {
  if (body.is_array()) {
    if (body.empty()) {
      throw Refusal(refuse_batch(Rejection::malformed, "an empty array"));
    }
    for (Body& event : body) {
      complete(event);
    }
  } else {
    complete(body);
  }
  Body::to_msgpack(body, payload_);
  const auto events = decoder_.decode(payload_);
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (const auto reason = events[i].rejected) {
      rejected_.push_back({i, *reason, why_rejected(body.is_array() ? body[i] : body, *reason)});
    }
  }
}

}  // namespace heartbeat::hbgate
