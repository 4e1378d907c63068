// What the clients share about their sockets: waiting with a limit, and reading whole messages.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "heartbeat/time.hpp"

namespace heartbeat::client {

using SteadyClock = std::chrono::steady_clock;

// That much later. Longer than duration_max counts as that, below 0 as 0.
inline SteadyClock::time_point time_after(Duration limit) {
  return SteadyClock::now() + std::clamp(limit, Duration{0}, duration_max);
}

// Until one of the items is ready (true) or `until` is reached (false). A signal does not end it.
bool poll(zmq_pollitem_t* items, std::size_t count, SteadyClock::time_point until);

// Whether the descriptor (-1 = none) is readable now.
bool readable(int fd);

enum class Wake { message, time, stop };

// Until `socket` has a message, `until` is reached, or `stop_fd` (-1 = none) is readable; stop goes
// before a message. Returns `time` only when there was nothing to read. A signal does not end it.
Wake wait(zmq::socket_t& socket, SteadyClock::time_point until, int stop_fd = -1);

// A context whose threads run. Throws std::runtime_error where the process has not the descriptors
// for it left, of which libzmq 4.3.4 would end the process.
zmq::context_t make_context();
// Throws std::runtime_error where the system refuses it.
zmq::socket_t make_socket(zmq::context_t& context, zmq::socket_type type);

// Throws std::runtime_error with the endpoint and the cause if it cannot be used.
void connect(zmq::socket_t& socket, const std::string& endpoint);

// All frames of the next message; none where there is no message yet.
std::vector<std::string> receive(zmq::socket_t& socket);

}  // namespace heartbeat::client
