#include "event_form.hpp"

#include <cstring>
#include <stdexcept>

#include "heartbeat/event.hpp"
#include "wire/encode.hpp"

namespace heartbeat::hbload {
namespace {

constexpr std::string_view digits_mark = "76543210";
constexpr std::uint32_t seq_mark = 0xF1F2F3F4;
constexpr std::uint32_t running_for_mark = 0xE1E2E3E4;
constexpr std::uint64_t sent_at_mark = 0x0000'01D1'D2D3'D4D5;

constexpr auto four_digits = [] {
  std::array<std::array<char, 4>, 10'000> table{};
  for (std::size_t number = 0; number < table.size(); ++number) {
    std::size_t rest = number;
    for (std::size_t place = 4; place-- > 0; rest /= 10) {
      table[number][place] = static_cast<char>('0' + rest % 10);
    }
  }
  return table;
}();

template <class Number>
void put(Number number, char* to) {
  for (std::size_t byte = sizeof number; byte-- > 0; number >>= 8) {
    to[byte] = static_cast<char>(number & 0xFF);
  }
}

template <class Number>
std::string big_endian(Number number) {
  std::string out(sizeof number, '\0');
  put(number, out.data());
  return out;
}

std::size_t place_of(std::string_view mark, const std::string& bytes) {
  const std::size_t place = bytes.find(mark);
  if (place == std::string::npos || bytes.find(mark, place + 1) != std::string::npos) {
    throw std::logic_error("a changing field has no place of its own in the encoded event");
  }
  return place;
}

Event shape_of(Kind kind) {
  Event event;
  switch (kind) {
    case Kind::activity:
      break;
    case Kind::progress:
      event.progress = 42;
      break;
    case Kind::phase:
      event.phase = "tool:web_search";
      break;
    case Kind::promise:
      event.stale_after_ms = Duration{600'000};
      break;
    case Kind::idle:
      event.kind = EventKind::idle;
      break;
    case Kind::register_:
      event.kind = EventKind::register_;
      break;
  }
  return event;
}

}  // namespace

Digits digits_of(std::uint32_t agent) {
  Digits digits;
  std::memcpy(digits.data(), &four_digits[agent / 10'000 % 10'000], 4);
  std::memcpy(digits.data() + 4, &four_digits[agent % 10'000], 4);
  return digits;
}

EventForm::EventForm(Kind kind, std::string_view source, bool source_per_agent) {
  const std::string agent_id = std::string(agent_prefix) + std::string(digits_mark);
  const std::string task_id = "task-" + std::string(digits_mark);
  const std::string own_source = source_per_agent
                                     ? std::string(source.substr(0, 8)) + std::string(digits_mark)
                                     : std::string(source);
  Event event = shape_of(kind);
  event.agent_id = agent_id;
  if (kind == Kind::register_) {
    event.task_id = task_id;
  }
  event.running_for_ms = Duration{running_for_mark};
  event.source = own_source;
  event.seq = seq_mark;
  event.sent_at = WallTime{Duration{sent_at_mark}};
  wire::encode(event, bytes_);
  for (std::size_t place = bytes_.find(digits_mark); place != std::string::npos;
       place = bytes_.find(digits_mark, place + 1)) {
    agent_places_.push_back(place);
  }
  seq_place_ = place_of(big_endian(seq_mark), bytes_);
  running_for_place_ = place_of(big_endian(running_for_mark), bytes_);
  sent_at_place_ = place_of(big_endian(sent_at_mark), bytes_);
}

void EventForm::append(const Changing& changing, std::string& out) const {
  const std::size_t begin = out.size();
  out.append(bytes_);
  char* event = out.data() + begin;
  for (const std::size_t place : agent_places_) {
    std::memcpy(event + place, changing.agent.data(), changing.agent.size());
  }
  put(changing.seq, event + seq_place_);
  put(changing.running_for_ms, event + running_for_place_);
  const auto sent_at = static_cast<std::uint64_t>(changing.sent_at.time_since_epoch().count());
  put(sent_at, event + sent_at_place_);
}

}  // namespace heartbeat::hbload
