// Publishes single events, each under this publisher's own source and the next seq, for who waits
// until each has been read. Agents have AgentClient.
#pragma once

#include <cstdint>
#include <string>

#include "client/publication.hpp"
#include "heartbeat/event.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::client {

class EventPublisher {
 public:
  // Connects; throws std::runtime_error with the endpoint and the cause if it cannot be used. Once
  // `stop_fd` (-1 = none) is readable, no monitor is waited for.
  explicit EventPublisher(const std::string& endpoint, int stop_fd = -1);

  // True while the monitor is subscribed: what is sent before would be lost silently.
  bool wait_for_monitor(Duration timeout);
  // Fills in source, seq and an absent sent_at, and makes `detail` and `phase` fit to be accepted
  // (cut at a code point, control characters replaced). Waits for the monitor. False if it could
  // not be handed over within the timeout; then it counts as not published.
  bool publish(Event event, Duration timeout);

  // Random, new for each publisher.
  const std::string& source() const { return source_; }
  // Of the last event published; 0 = none yet.
  std::uint64_t seq() const { return seq_; }

 private:
  Publication publication_;
  const int stop_fd_;
  const std::string source_;
  std::uint64_t seq_ = 0;
};

}  // namespace heartbeat::client
