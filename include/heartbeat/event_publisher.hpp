// Publishes single events, each under this publisher's own source and the next seq.
#pragma once

#include <memory>
#include <string>

#include "heartbeat/event.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat {

class EventPublisher {
 public:
  // Connects; throws std::runtime_error with the endpoint and the cause if it cannot be used.
  explicit EventPublisher(const std::string& endpoint);
  ~EventPublisher();
  EventPublisher(const EventPublisher&) = delete;
  EventPublisher& operator=(const EventPublisher&) = delete;

  // True while the monitor is subscribed: what is sent before would be lost silently.
  bool wait_for_monitor(Duration timeout);
  // Fills in source, seq and sent_at, and makes `detail` and `phase` fit to be accepted (cut at a
  // code point, control characters replaced). Waits for the monitor. False if it could not be
  // handed over within the timeout; then it counts as not published.
  bool publish(Event event, Duration timeout);

  // Random, new for each publisher.
  const std::string& source() const;
  // Of the last event published; 0 = none yet.
  std::uint64_t seq() const;

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace heartbeat
