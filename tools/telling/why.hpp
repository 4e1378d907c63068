// Explains a verdict: everything that the monitor knows that speaks for it or against it.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "heartbeat/alert.hpp"
#include "heartbeat/message.hpp"
#include "heartbeat/status.hpp"

namespace heartbeat::telling {

struct Reason {
  std::string about;  // one word: verdict, limits, heard, losses, …
  std::string text;
  std::string severity;  // as an alert's; "" where it is nothing to look at twice
};

// The verdict first.
std::vector<Reason> why(const RunDetail& run);
// Of a run that has ended, as a not_found tells it. REQUIRES: it has ended_by.
std::vector<Reason> why(const Error& ended);
// "ended at … by timeout, outcome …", in local time.
std::string end_of(const Error& ended);
Reason why(const Alert& alert);

}  // namespace heartbeat::telling

template <>
struct heartbeat::Message<heartbeat::telling::Reason> {
  using Reason = telling::Reason;
  static constexpr auto fields = std::tuple{
      Field{"about", &Reason::about},
      Field{"text", &Reason::text},
      Field{"severity", &Reason::severity},
  };
};
