// A message of the monitor's own through its event socket, over the transport that agents use. When
// it has come back, whatever others had delivered before it was sent has been read, but for what
// queues behind one sender's own backlog: libzmq reads its peers in turn.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <zmq.hpp>

namespace heartbeat::bus {

class Probe {
 public:
  // `events`: where the event socket is really bound.
  Probe(zmq::context_t& context, const std::string& events);

  // The event socket takes what is sent. Asks the socket: call it each turn.
  bool connected();
  // Counts up with each connection; what was on its way in an earlier one is lost.
  std::uint64_t connections() const { return connections_; }
  // REQUIRES: connected.
  void send(std::uint64_t number);
  // The number of a probe of this object; nullopt: the message is somebody else's.
  std::optional<std::uint64_t> number(std::string_view payload) const;

 private:
  zmq::socket_t socket_;
  const std::string token_;  // nobody else can know it
  std::uint64_t connections_ = 0;
};

}  // namespace heartbeat::bus
