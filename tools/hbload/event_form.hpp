// An event that is encoded once and sent often: what changes from one to the next (agent, seq,
// times) has a fixed place and width in the bytes, and is written over. So a sender costs little
// beside the transport, and is not what a measurement of the receiver measures.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "heartbeat/time.hpp"
#include "mix.hpp"

namespace heartbeat::hbload {

// The eight digits of an agent's number.
using Digits = std::array<char, 8>;
Digits digits_of(std::uint32_t agent);

// 14 bytes: agent-00012345.
inline constexpr std::string_view agent_prefix = "agent-";

// What is written over.
struct Changing {
  Digits agent;
  std::uint32_t seq = 0;
  std::uint32_t running_for_ms = 0;
  WallTime sent_at;
};

class EventForm {
 public:
  // Made by the wire library. With `source_per_agent` each agent's source is its own, of `source`
  // and its number. REQUIRES: `source` has 16 characters.
  EventForm(Kind kind, std::string_view source, bool source_per_agent);

  std::size_t size() const { return bytes_.size(); }
  // Appends the event.
  void append(const Changing& changing, std::string& out) const;

 private:
  std::string bytes_;
  std::vector<std::size_t> agent_places_;
  std::size_t seq_place_;
  std::size_t running_for_place_;
  std::size_t sent_at_place_;
};

}  // namespace heartbeat::hbload
