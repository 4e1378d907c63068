#include "sse.hpp"

#include <charconv>

#include "client/alert_cursor.hpp"
#include "heartbeat/event.hpp"
#include "telling/json.hpp"

namespace heartbeat::hbgate {

namespace {

std::string one_line(const telling::Json& json) {
  return json.dump(-1, ' ', false, telling::Json::error_handler_t::replace);
}

}  // namespace

std::optional<Place> parse_place(std::string_view id) {
  const std::size_t mark = id.rfind('/');
  if (mark == std::string_view::npos || !client::is_epoch(id.substr(0, mark))) {
    return std::nullopt;
  }
  Place place{std::string(id.substr(0, mark)), 0};
  const char* const end = id.data() + id.size();
  const auto [stop, error] = std::from_chars(id.data() + mark + 1, end, place.seq);
  const bool fits = error == std::errc{} && stop == end && place.seq <= seq_max;
  return fits ? std::optional{place} : std::nullopt;
}

std::string id_of(const Place& place) { return place.epoch + "/" + std::to_string(place.seq); }

std::string event_text(std::string_view event, std::string_view data, std::string_view id) {
  std::string text = "event: ";
  text.append(event).append("\n");
  if (!id.empty()) {
    text.append("id: ").append(id).append("\n");
  }
  return text.append("data: ").append(data).append("\n\n");
}

std::string alert_text(const Alert& alert) {
  return event_text("alert", one_line(telling::to_json(alert)), id_of({alert.epoch, alert.seq}));
}

std::string lost_text(std::uint64_t lost) { return event_text("lost", one_line({{"lost", lost}})); }

std::string restarted_text(std::string_view epoch) {
  return event_text("restarted", one_line({{"epoch", epoch}}));
}

}  // namespace heartbeat::hbgate
