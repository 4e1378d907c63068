// The monitor's three sockets. None of their functions blocks, except wait().
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <zmq.hpp>

#include "heartbeat/time.hpp"

namespace heartbeat::bus {

// what() names the option, the endpoint and what was expected.
class CannotBind : public std::runtime_error {
 public:
  CannotBind(const std::string& option, const std::string& endpoint, const std::string& problem,
             const std::string& expected);
};

// SUB, bound, subscribed to everything: the payload is what counts, not the topic.
class EventSocket {
 public:
  // Throws CannotBind.
  EventSocket(zmq::context_t& context, const std::string& endpoint);

  enum class Received { nothing, message, malformed };
  // Takes one message from the queue. `message`: exactly two frames, and `payload` views the
  // second until release(). `malformed`: any other number of frames, all of them discarded.
  // REQUIRES: may_receive().
  Received receive(std::string_view& payload);
  static constexpr std::size_t held_max = 32;
  // Fewer than held_max payloads are held.
  bool may_receive() const { return held_ < held_max; }
  // Gives the payloads' memory back: libzmq shares it with what it receives next.
  void release();
  // Where it is really bound.
  const std::string& endpoint() const { return endpoint_; }
  zmq::socket_ref handle() { return socket_; }

 private:
  zmq::socket_t socket_;
  std::string endpoint_;
  zmq::message_t topic_;
  std::array<zmq::message_t, held_max> payloads_;
  std::size_t held_ = 0;
};

// PUB, bound. Loses rather than waits: that is what seq and replay are for.
class AlertSocket {
 public:
  // Queues up to `kept` alerts for each slow subscriber. Throws CannotBind.
  AlertSocket(zmq::context_t& context, const std::string& endpoint, std::size_t kept);

  void publish(std::string_view topic, std::string_view payload);
  const std::string& endpoint() const { return endpoint_; }
  zmq::socket_ref handle() { return socket_; }

 private:
  zmq::socket_t socket_;
  std::string endpoint_;
};

// REP, bound. Queues few requests and replies for each client: one that asks on without reading
// loses replies, and costs little memory. A REP that has received must send before it can receive
// again, so receiving and sending are one function here, and every path through it replies.
class StatusSocket {
 public:
  // Fills in the reply. nullopt: the request was not exactly one frame.
  using Answer = std::function<void(std::optional<std::string_view> request, std::string& reply)>;

  // `failure_reply` is sent when Answer throws. Throws CannotBind.
  StatusSocket(zmq::context_t& context, const std::string& endpoint, std::string failure_reply);

  enum class Served { nothing, answered, failed };
  // Answers one waiting request, if there is one.
  Served serve(const Answer& answer);
  const std::string& endpoint() const { return endpoint_; }
  zmq::socket_ref handle() { return socket_; }

 private:
  zmq::socket_t socket_;
  std::string endpoint_;
  std::string failure_reply_;
  zmq::message_t request_;
  std::string reply_;
};

// Sleeps until a socket or one of `fds` (at most 2) has something, or `timeout` has passed. May
// return early. A PUB learns of its subscribers only here: call it each turn. `events`: nullptr
// where they are not read now.
void wait(EventSocket* events, AlertSocket& alerts, StatusSocket& status, std::span<const int> fds,
          Duration timeout);

}  // namespace heartbeat::bus
