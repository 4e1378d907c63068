#include "client/sockets.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

namespace heartbeat::client {

bool poll(zmq_pollitem_t* items, std::size_t count, SteadyClock::time_point until) {
  while (true) {
    // Rounded up: a timeout of 0 a moment too early would spin.
    const auto left = std::chrono::ceil<Duration>(until - SteadyClock::now());
    try {
      if (zmq::poll(items, count, std::max(left, Duration{0})) > 0) {
        return true;
      }
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) {
        throw;
      }
    }
    if (SteadyClock::now() >= until) {
      return false;
    }
  }
}

bool readable(int fd) {
  pollfd item{fd, POLLIN, 0};
  return fd >= 0 && ::poll(&item, 1, 0) > 0;
}

Wake wait(zmq::socket_t& socket, SteadyClock::time_point until, int stop_fd) {
  std::array<zmq_pollitem_t, 2> items{{
      {socket.handle(), 0, ZMQ_POLLIN, 0},
      {nullptr, stop_fd, ZMQ_POLLIN, 0},
  }};
  if (!poll(items.data(), stop_fd < 0 ? 1 : 2, until)) {
    return Wake::time;
  }
  return items[1].revents != 0 ? Wake::stop : Wake::message;
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
