// Events as JSON, made into what the bus carries and judged as the monitor judges them: by its own
// decoder.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "heartbeat/event.hpp"
#include "http.hpp"
#include "wire/decode.hpp"

namespace heartbeat::hbgate {

struct Rejected {
  std::size_t index = 0;  // in the array
  Rejection reason{};
  std::string message;  // the field, its value, and what would be right
};

// The events of one request. Their strings live in here.
class EventBody {
 public:
  // One map or an array of 1 to 1,024. `v` may be left out; `detail` and `phase` are made to fit.
  // Throws Refusal, 400 malformed, where it is no JSON or too deep.
  explicit EventBody(std::string_view body);
  using Body = nlohmann::json;  // unlike Json it is quick to fill with a million keys

  // One event: the fields that are given, and of the parameters those that are named like others.
  EventBody(Body event, Parameters& parameters);
  EventBody(const EventBody&) = delete;
  EventBody& operator=(const EventBody&) = delete;

  std::span<const Event> events() const { return decoder_.all(); }
  const std::vector<Rejected>& rejected() const { return rejected_; }

 private:
  static Body parse(std::string_view body);
  void take(Body body);

  std::string payload_;
  wire::EventDecoder decoder_;
  std::vector<Rejected> rejected_;
};

}  // namespace heartbeat::hbgate
