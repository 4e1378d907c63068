#include "heartbeat/event_publisher.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <tuple>

#include "client/printable.hpp"
#include "client/sockets.hpp"
#include "wire/encode.hpp"

namespace heartbeat {

namespace {

// How long closing waits for what was handed over but not yet sent.
constexpr int linger_ms = 1'000;

std::string random_source() {
  std::random_device random;
  char text[17];
  std::snprintf(text, sizeof text, "%08x%08x", random(), random());
  return text;
}

// The bound on a string field of Event, from its one description.
template <class Member>
std::size_t bytes_max(Member Event::*member) {
  return std::apply(
      [member](const auto&... field) {
        std::size_t max = 0;
        const auto look = [&](const auto& candidate) {
          if constexpr (std::is_same_v<decltype(candidate.member), Member Event::*>) {
            if (candidate.member == member) {
              max = candidate.bounds.max;
            }
          }
        };
        (look(field), ...);
        return max;
      },
      Message<Event>::fields);
}

}  // namespace

struct EventPublisher::Connection {
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::xpub};
  std::string source = random_source();
  std::uint64_t seq = 0;
  bool subscribed = false;

  // Subscriptions come as messages: \x01 and the topic; \x00 ends one.
  void read_subscription() {
    const std::string frame = client::receive(socket).front();
    subscribed = !frame.empty() && frame.front() == '\x01';
  }
};

EventPublisher::EventPublisher(const std::string& endpoint)
    : connection_(std::make_unique<Connection>()) {
  zmq::socket_t& socket = connection_->socket;
  socket.set(zmq::sockopt::linger, linger_ms);
  socket.set(zmq::sockopt::xpub_verbose, 1);
  socket.set(zmq::sockopt::xpub_nodrop, 1);
  client::connect(socket, endpoint);
}

EventPublisher::~EventPublisher() = default;

bool EventPublisher::wait_for_monitor(Duration timeout) {
  const auto until = client::SteadyClock::now() + timeout;
  const auto read_until = [this](client::SteadyClock::time_point time) {
    if (client::wait(connection_->socket, time) == client::Wake::time) {
      return false;
    }
    connection_->read_subscription();
    return true;
  };
  while (read_until(client::SteadyClock::now())) {
    // what came since, of monitors that came and went
  }
  while (!connection_->subscribed) {
    if (!read_until(until)) {
      return false;
    }
  }
  return true;
}

bool EventPublisher::publish(Event event, Duration timeout) {
  const auto until = client::SteadyClock::now() + timeout;
  if (!wait_for_monitor(timeout)) {
    return false;
  }
  std::string detail;
  std::string phase;
  if (event.detail) {
    detail = client::printable(*event.detail, bytes_max(&Event::detail));
    event.detail = detail;
  }
  if (event.phase) {
    phase = client::printable(*event.phase, bytes_max(&Event::phase));
    event.phase = phase;
  }
  event.source = connection_->source;
  event.seq = connection_->seq + 1;
  event.sent_at = std::chrono::floor<Duration>(std::chrono::system_clock::now());

  std::string payload;
  wire::encode(event, payload);
  const std::string topic = "event." + std::string(event.agent_id);
  zmq::socket_t& socket = connection_->socket;
  while (true) {
    const auto left = std::chrono::ceil<Duration>(until - client::SteadyClock::now());
    const auto wait_ms = std::clamp(left, Duration{0}, Duration{INT_MAX}).count();
    socket.set(zmq::sockopt::sndtimeo, static_cast<int>(wait_ms));
    try {
      // NODROP: either both frames are taken or the first is refused.
      if (!socket.send(zmq::buffer(topic), zmq::send_flags::sndmore)) {
        return false;
      }
      socket.send(zmq::buffer(payload), zmq::send_flags::none);
      break;
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) {
        throw std::runtime_error(std::string("publishing: ") + error.what());
      }
    }
  }
  connection_->seq = event.seq;
  return true;
}

const std::string& EventPublisher::source() const { return connection_->source; }

std::uint64_t EventPublisher::seq() const { return connection_->seq; }

}  // namespace heartbeat
