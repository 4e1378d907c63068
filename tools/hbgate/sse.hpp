// Server-sent events as text: https://html.spec.whatwg.org/multipage/server-sent-events.html
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "heartbeat/alert.hpp"

namespace heartbeat::hbgate {

// After `seq` of `epoch`, among the monitor's alerts.
struct Place {
  std::string epoch;
  std::uint64_t seq = 0;
};
// From an event's id, EPOCH/SEQ; nullopt: it is none.
std::optional<Place> parse_place(std::string_view id);
std::string id_of(const Place& place);

// REQUIRES: `data` is one line.
std::string event_text(std::string_view event, std::string_view data, std::string_view id = {});
std::string alert_text(const Alert& alert);
std::string lost_text(std::uint64_t lost);
std::string restarted_text(std::string_view epoch);

}  // namespace heartbeat::hbgate
