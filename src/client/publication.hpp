// The XPUB socket on which events leave. On the wire it is a PUB; besides, it sees subscriptions,
// so that nothing is sent before somebody listens, and what becomes of its connection. What a
// connection that ended left unsent goes with it: the next one may be another monitor's, and what
// that is told first is for the sender to choose.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <zmq.hpp>

#include "client/sockets.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::client {

class Publication {
 public:
  // Throws std::runtime_error if the endpoint cannot be used. Closing the socket waits for `linger`
  // at most for what was handed over.
  Publication(const std::string& endpoint, Duration linger);
  void set_linger(Duration linger);

  // Takes note of subscriptions, refusals and the connection's end, as far as they have come in.
  // Waits for them no longer than until `until`, `stop_fd` (-1 = none) is readable, or one has
  // come. It is here that a connection that ended or was refused is followed by another attempt.
  void look(SteadyClock::time_point until, int stop_fd = -1);
  // Somebody listens. What is sent while nobody does would be lost silently.
  bool subscribed() const { return subscribed_; }
  // Counts up with each fresh subscription, which a reconnection also causes.
  std::uint64_t subscriptions() const { return subscriptions_; }
  // Counts up with each attempt to connect that failed; the next may follow in 0.1 to 0.2 s.
  std::uint64_t refusals() const { return refusals_; }

  // False if the transport did not take it within `timeout`.
  bool send(std::string_view topic, std::string_view payload, Duration timeout);

 private:
  void take_subscription();
  void take_connection_events();
  void plan_connection();
  void connect_again();

  const std::string endpoint_;
  Duration linger_{0};
  zmq::context_t context_ = make_context();
  zmq::socket_t socket_ = make_socket(context_, zmq::socket_type::xpub);
  zmq::socket_t connection_ =
      make_socket(context_, zmq::socket_type::pair);  // events of socket_'s connection
  std::optional<SteadyClock::time_point> connect_at_;
  std::minstd_rand random_{std::random_device{}()};
  bool subscribed_ = false;
  std::uint64_t subscriptions_ = 0;
  std::uint64_t refusals_ = 0;
};

}  // namespace heartbeat::client
