// Publishes events that came over HTTP, and waits until the monitor has read them.
//
// Each lane is a publisher with a source of its own, and serves one request at a time: so whatever
// the monitor rejects of that source meanwhile is of that request.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "client/event_publisher.hpp"
#include "heartbeat/endpoints.hpp"
#include "heartbeat/event.hpp"
#include "heartbeat/status_client.hpp"
#include "workers.hpp"

namespace heartbeat::hbgate {

// What became of a request's events.
struct Handled {
  std::size_t read = 0;      // by the monitor
  std::size_t rejected = 0;  // of those
  std::string reason;        // of the last that was rejected; "" = the monitor does not say
};

class EventDesk {
 public:
  EventDesk(Endpoints endpoints, Duration timeout, int stop_fd);
  ~EventDesk();

  // REQUIRES: the decoder accepts them; they outlive the call. Unreachable also where the monitor
  // has read some and not all of them: they may be sent again.
  boost::asio::awaitable<std::variant<Handled, Unreachable>> publish(std::span<const Event> events);

 private:
  class Lane;
  static constexpr std::size_t lanes_count = 4;

  const Duration timeout_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace heartbeat::hbgate
