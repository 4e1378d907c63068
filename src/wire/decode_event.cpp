// Events: each that is not accepted has exactly one reason, the first that applies in the order of
// Rejection.
#include <algorithm>

#include "wire/decode.hpp"

namespace heartbeat::wire {
namespace {

using EventFields = Decoder::Fields<Event>;

consteval std::size_t place(std::string_view key) {
  std::size_t found = EventFields::count;
  std::size_t index = 0;
  std::apply([&](const auto&... field) { ((field.key == key ? found = index++ : index++), ...); },
             Message<Event>::fields);
  return found;
}

enum class Version : std::uint8_t { absent, supported, unsupported, no_number };

Version version_of(const Token& token) {
  std::uint64_t number = 0;
  if (token.type == TokenType::nil) {
    return Version::absent;
  }
  switch (whole_number(token, number)) {
    case Whole::no_number:
      return Version::no_number;
    case Whole::not_whole:
    case Whole::negative:
      return Version::unsupported;
    case Whole::yes:
      return number == protocol_version ? Version::supported : Version::unsupported;
  }
  return Version::no_number;
}

Rejection rejection_of(Fault fault) {
  switch (fault) {
    case Fault::none:
      break;
    case Fault::bad_type:
      return Rejection::bad_type;
    case Fault::bad_value:
      return Rejection::bad_value;
    case Fault::too_long:
      return Rejection::too_long;
    case Fault::bad_utf8:
      return Rejection::bad_utf8;
    case Fault::unknown_name:
      return Rejection::unknown_kind;
  }
  return Rejection::malformed;
}

std::optional<Rejection> judge(Version version, const EventFields& found) {
  if (version == Version::unsupported) {
    return Rejection::unsupported_version;
  }
  if (version == Version::absent || !found.present[place("kind")] ||
      !found.present[place("agent_id")] ||
      (found.present[place("seq")] && !found.present[place("source")])) {
    return Rejection::missing_field;
  }
  if (version == Version::no_number || found.bad_key) {
    return Rejection::bad_type;
  }
  std::optional<Rejection> first;
  if (!found.faulty) {
    return first;
  }
  for (const Fault fault : found.faults) {
    if (fault != Fault::none && (!first || rejection_of(fault) < *first)) {
      first = rejection_of(fault);
    }
  }
  return first;
}

// False: malformed.
bool decode_one(Decoder& decoder, const Token& token, int depth, Event& event) {
  if (token.type != TokenType::map) {
    event.rejected = Rejection::malformed;
    return decoder.reader().skip(token, depth);
  }
  EventFields found;
  Version version = Version::absent;
  const auto other = [&version](std::string_view key, const Token& value) {
    if (key == "v") {
      version = version_of(value);
    }
  };
  if (!decoder.fields(token, depth, event, found, other)) {
    return false;
  }
  event.rejected = judge(version, found);
  // Such an event is not held against any run: agent_id alone would name the run "".
  if (found.faults[place("run_id")] != Fault::none) {
    event.agent_id = {};
  }
  return true;
}

}  // namespace

std::span<const Event> EventDecoder::decode(std::string_view payload) {
  Decoder decoder{payload};
  Token top;
  const std::size_t before = events_.size();
  const auto reject = [&](Rejection reason) {
    events_.resize(before);
    events_.emplace_back().rejected = reason;
    return all().subspan(before);
  };
  if (!decoder.reader().next(top)) {
    return reject(Rejection::malformed);
  }
  if (top.type == TokenType::map) {
    if (!decode_one(decoder, top, nesting_max, events_.emplace_back())) {
      return reject(Rejection::malformed);
    }
  } else if (top.type == TokenType::array && top.number > batch_max) {
    const bool well_formed = decoder.reader().skip(top, nesting_max);
    return reject(well_formed && decoder.reader().at_end() ? Rejection::batch_too_long
                                                           : Rejection::malformed);
  } else if (top.type == TokenType::array && top.number > 0) {
    for (std::uint64_t i = 0; i < top.number; ++i) {
      Token element;
      if (!decoder.reader().next(element) ||
          !decode_one(decoder, element, nesting_max - 1, events_.emplace_back())) {
        return reject(Rejection::malformed);
      }
    }
  } else {
    return reject(Rejection::malformed);
  }
  return decoder.reader().at_end() ? all().subspan(before) : reject(Rejection::malformed);
}

}  // namespace heartbeat::wire
