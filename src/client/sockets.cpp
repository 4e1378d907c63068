#include "client/sockets.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace heartbeat::client {
namespace {

// What a context, its two threads and its first socket take, and a little more.
constexpr std::size_t descriptors_min = 10;

void check_descriptors() {
  std::vector<int> spare;
  while (spare.size() < descriptors_min) {
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      break;
    }
    spare.push_back(fd);
  }
  const int error = errno;
  std::for_each(spare.begin(), spare.end(), close);
  if (spare.size() < descriptors_min) {
    throw std::system_error(error, std::generic_category(),
                            "a ZeroMQ context needs " + std::to_string(descriptors_min) +
                                " descriptors, got " + std::to_string(spare.size()));
  }
}

}  // namespace

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

zmq::context_t make_context() {
  check_descriptors();
  try {
    zmq::context_t context{1};
    make_socket(context, zmq::socket_type::pair);  // the first starts the threads
    return context;
  } catch (const zmq::error_t& error) {
    throw std::runtime_error(std::string("a ZeroMQ context: ") + error.what());
  }
}

zmq::socket_t make_socket(zmq::context_t& context, zmq::socket_type type) {
  try {
    return {context, type};
  } catch (const zmq::error_t& error) {
    throw std::runtime_error(std::string("a ZeroMQ socket: ") + error.what());
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
  while (frames.empty() || frame.more()) {
    try {
      if (!socket.recv(frame, zmq::recv_flags::dontwait)) {
        return frames;  // the frames of a message come together
      }
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) {
        throw;
      }
      continue;
    }
    frames.push_back(frame.to_string());
  }
  return frames;
}

}  // namespace heartbeat::client
