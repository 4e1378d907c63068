#include "client/sockets.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

namespace heartbeat::client {

Wake wait(zmq::socket_t& socket, SteadyClock::time_point until, int stop_fd) {
  std::array<zmq_pollitem_t, 2> items{{
      {socket.handle(), 0, ZMQ_POLLIN, 0},
      {nullptr, stop_fd, ZMQ_POLLIN, 0},
  }};
  const std::size_t count = stop_fd < 0 ? 1 : 2;
  while (true) {
    // Rounded up: a timeout of 0 a moment too early would spin.
    const auto left = std::chrono::ceil<Duration>(until - SteadyClock::now());
    try {
      zmq::poll(items.data(), count, std::max(left, Duration{0}));
    } catch (const zmq::error_t& error) {
      if (error.num() == EINTR) {
        continue;
      }
      throw;
    }
    if (count == 2 && items[1].revents != 0) {
      return Wake::stop;
    }
    if (items[0].revents != 0) {
      return Wake::message;
    }
    if (SteadyClock::now() >= until) {
      return Wake::time;
    }
  }
}

void connect(zmq::socket_t& socket, const std::string& endpoint) {
  try {
    socket.connect(endpoint);
  } catch (const zmq::error_t& error) {
    throw std::runtime_error(endpoint + ": " + error.what());
  }
}

std::vector<std::string> receive(zmq::socket_t& socket) {
  std::vector<std::string> frames;
  zmq::message_t frame;
  do {
    while (true) {
      try {
        if (socket.recv(frame)) {
          break;
        }
      } catch (const zmq::error_t& error) {
        if (error.num() != EINTR) {
          throw;
        }
      }
    }
    frames.push_back(frame.to_string());
  } while (frame.more());
  return frames;
}

}  // namespace heartbeat::client
