// Whether the monitor has read what an EventPublisher has sent.
#pragma once

#include "client/event_publisher.hpp"
#include "client/sockets.hpp"
#include "heartbeat/status_client.hpp"

namespace heartbeat::client {

// Asks until the last event of `publisher` has been read, or `until` has passed. The monitor's word
// on the source, or why there is none: Unreachable too where it answers and has not read it.
Answer<PingReply> wait_until_read(StatusClient& status, const EventPublisher& publisher,
                                  SteadyClock::time_point until);

}  // namespace heartbeat::client
