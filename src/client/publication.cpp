#include "client/publication.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <stdexcept>

namespace heartbeat::client {
namespace {

constexpr const char* connection_events = "inproc://connection";
// libzmq would keep the queue of a connection that ended for the next one. So it is never to
// connect again by itself; where it would, it says so, and plan_connection() follows.
constexpr Duration never{INT_MAX};
// Between two attempts, at least; at random, so that not all agents come at once.
constexpr int wait_min_ms = 100;
constexpr int wait_max_ms = 200;

// Less than the 5 s by which a run's start may seem to differ.
constexpr Duration unacknowledged_max{4'000};

int whole_ms(Duration duration) {
  return static_cast<int>(std::clamp(duration, Duration{0}, Duration{INT_MAX}).count());
}

}  // namespace

Publication::Publication(const std::string& endpoint, Duration linger) : endpoint_(endpoint) {
  set_linger(linger);
  socket_.set(zmq::sockopt::reconnect_ivl, whole_ms(never));
  // Each fresh subscription is shown, also one like the last: it tells of another monitor.
  socket_.set(zmq::sockopt::xpub_verbose, 1);
  // No handler is there, so nobody is asked; but a peer that does not speak ZMTP 3 is refused, and
  // with such a one, an HTTP server say, libzmq 4.3.4 ends the process.
  socket_.set(zmq::sockopt::zap_domain, "events");
  // What the network held back for longer must not arrive any more: by the age that a run tells, a
  // register of its own that comes late makes it look like an earlier run.
  socket_.set(zmq::sockopt::tcp_maxrt, whole_ms(unacknowledged_max));
  // A full pipe refuses, rather than losing silently.
  socket_.set(zmq::sockopt::xpub_nodrop, 1);
  if (zmq_socket_monitor(socket_.handle(), connection_events,
                         ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED) != 0) {
    throw std::runtime_error(std::string("zmq_socket_monitor: ") + zmq_strerror(zmq_errno()));
  }
  connection_.set(zmq::sockopt::linger, 0);
  connect(connection_, connection_events);
  connect(socket_, endpoint);
}

void Publication::set_linger(Duration linger) {
  linger_ = linger;
  socket_.set(zmq::sockopt::linger, whole_ms(linger));
}

void Publication::look(SteadyClock::time_point until, int stop_fd) {
  std::array<zmq_pollitem_t, 3> items{{
      {connection_.handle(), 0, ZMQ_POLLIN, 0},
      {socket_.handle(), 0, ZMQ_POLLIN, 0},
      {nullptr, stop_fd, ZMQ_POLLIN, 0},
  }};
  while (true) {
    if (connect_at_ && SteadyClock::now() >= *connect_at_) {
      connect_again();
    }
    const auto wake = connect_at_ ? std::min(until, *connect_at_) : until;
    if (!poll(items.data(), stop_fd < 0 ? 2 : 3, wake)) {
      if (wake == until) {
        return;
      }
      continue;
    }
    if (items[1].revents != 0) {
      take_subscription();
    } else if (items[0].revents != 0) {
      take_connection_events();
    } else {
      return;
    }
    until = SteadyClock::now();  // what else there is, but no more waiting
  }
}

// \x01 and the topic begin a subscription, \x00 ends one.
void Publication::take_subscription() {
  const std::string frame = receive(socket_).front();
  // The end of the connection before it, if there was one, is in by now, and must not be taken for
  // the end of this one.
  take_connection_events();
  subscribed_ = !frame.empty() && frame.front() == '\x01';
  subscriptions_ += subscribed_ ? 1 : 0;
}

void Publication::take_connection_events() {
  zmq::message_t frame;
  bool first = true;
  while (connection_.recv(frame, zmq::recv_flags::dontwait)) {
    if (first) {  // the event's number and a value; the endpoint follows
      std::uint16_t event = 0;
      std::memcpy(&event, frame.data(), sizeof event);
      if (event == ZMQ_EVENT_DISCONNECTED) {
        subscribed_ = false;
      } else {
        ++refusals_;
      }
      plan_connection();
    }
    first = !frame.more();
  }
}

void Publication::plan_connection() {
  if (!connect_at_) {
    std::uniform_int_distribution<int> wait_ms{wait_min_ms, wait_max_ms};
    connect_at_ = time_after(Duration{wait_ms(random_)});
  }
}

// The queue is dropped only where its connection may not linger.
void Publication::connect_again() {
  connect_at_.reset();
  socket_.set(zmq::sockopt::linger, 0);
  socket_.disconnect(endpoint_);
  set_linger(linger_);
  connect(socket_, endpoint_);
}

bool Publication::send(std::string_view topic, std::string_view payload, Duration timeout) {
  const auto until = time_after(timeout);
  while (true) {
    const auto left = std::chrono::ceil<Duration>(until - SteadyClock::now());
    socket_.set(zmq::sockopt::sndtimeo, whole_ms(left));
    try {
      // Either both frames are taken or the first is refused.
      if (!socket_.send(zmq::buffer(topic), zmq::send_flags::sndmore)) {
        return false;
      }
      break;
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) {
        throw std::runtime_error(std::string("publishing: ") + error.what());
      }
    }
  }
  socket_.send(zmq::buffer(payload), zmq::send_flags::none);
  return true;
}

}  // namespace heartbeat::client
