#include "bus/sockets.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <exception>
#include <utility>

#include "bus/ipc_path.hpp"
#include "heartbeat/endpoints.hpp"
#include "heartbeat/event.hpp"

namespace heartbeat::bus {
namespace {

// Messages, for each connection; each may have message_bytes_max.
constexpr int event_queue_max = 1'000;
constexpr int request_queue_max = 16;
constexpr int reply_queue_max = 32;  // a client may have 16 open, and libzmq settles by halves
constexpr int backlog = 4'096;       // connections that wait to be accepted
constexpr int keepalive_idle_s = 30;
constexpr int keepalive_interval_s = 10;
constexpr int keepalive_probes = 3;
constexpr int alert_linger_ms = 300;
constexpr int reply_linger_ms = 100;
// Room for beats beside the kept alerts in a slow subscriber's queue.
constexpr std::size_t alert_queue_extra = 1'000;

constexpr std::string_view ipc = "ipc://";
constexpr const char* expected_free = "an endpoint that nobody is bound to";

// REP and SUB give a message's frames whole or not at all, so what follows a frame never blocks.
bool receive_frame(zmq::socket_t& socket, zmq::message_t& frame) {
  while (true) {
    try {
      return socket.recv(frame, zmq::recv_flags::dontwait).has_value();
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) {
        throw;
      }
    }
  }
}

void send_frame(zmq::socket_t& socket, std::string_view bytes, zmq::send_flags flags) {
  while (true) {
    try {
      socket.send(zmq::const_buffer(bytes.data(), bytes.size()), flags);
      return;
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) {
        throw;
      }
    }
  }
}

// Discards what is left of a message. Returns true if there was anything.
bool discard_rest(zmq::socket_t& socket, zmq::message_t& last) {
  bool any = false;
  while (last.more() && receive_frame(socket, last)) {
    any = true;
  }
  return any;
}

std::string_view view(const zmq::message_t& message) {
  return {static_cast<const char*>(message.data()), message.size()};
}

void check_ipc(const std::string& option, const std::string& endpoint) {
  const std::string path = endpoint.substr(ipc.size());
  if (path == "*" || path.starts_with('@')) {
    return;  // libzmq makes up a fresh name; the kernel protects an abstract one
  }
  switch (look_at_ipc_path(path)) {
    case IpcPath::free:
      return;
    case IpcPath::in_use:
      throw CannotBind(option, endpoint, "is already in use", expected_free);
    case IpcPath::not_a_socket:
      throw CannotBind(option, endpoint, "is a file that is not a socket",
                       "a path that is free or a socket");
    case IpcPath::unusable:
      throw CannotBind(option, endpoint, "cannot be used",
                       "a path of 1 to 107 bytes in a directory that exists and may be entered");
  }
}

// libzmq resolves no names when it binds, not even this one.
std::string numeric(const std::string& endpoint) {
  const auto address = tcp_address(endpoint);
  return address && address->host == "localhost" ? "tcp://127.0.0.1:" + std::string{address->port}
                                                 : endpoint;
}

// Returns the endpoint really bound.
std::string bind_socket(zmq::socket_t& socket, const std::string& option,
                        const std::string& endpoint) {
  // Of what else it takes, libzmq makes strange things: a port that is too large loses its high
  // bits.
  if (!is_endpoint(endpoint)) {
    throw CannotBind(option, endpoint, "is not an endpoint", endpoint_form);
  }
  if (endpoint.starts_with(ipc)) {
    check_ipc(option, endpoint);
  }
  // Only where it is asked for: with it, libzmq would report 127.0.0.1 as ::ffff:127.0.0.1.
  const bool ipv6 = endpoint.find('[') != std::string::npos || endpoint.starts_with("tcp://*:");
  socket.set(zmq::sockopt::ipv6, ipv6);
  socket.set(zmq::sockopt::backlog, backlog);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(message_bytes_max));
  // Not ZMTP heartbeats: with a full queue and a killed peer libzmq 4.3.4 aborts, and a stall of
  // ours would disconnect healthy agents.
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  // No handler is there, so nobody is asked. But libzmq then refuses peers of ZMTP 1, which it
  // takes everything without a greeting for: a few requests of HTTP could stop a REP for good.
  socket.set(zmq::sockopt::zap_domain, option.substr(2));
  socket.set(zmq::sockopt::tcp_keepalive_idle, keepalive_idle_s);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, keepalive_interval_s);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, keepalive_probes);
  try {
    socket.bind(numeric(endpoint));
  } catch (const zmq::error_t& error) {
    if (error.num() == EADDRINUSE) {
      throw CannotBind(option, endpoint, "is already in use", expected_free);
    }
    throw CannotBind(option, endpoint, std::string{"cannot be bound ("} + error.what() + ")",
                     "an address or interface of this machine, or a path in a folder that exists");
  }
  return socket.get(zmq::sockopt::last_endpoint);
}

}  // namespace

CannotBind::CannotBind(const std::string& option, const std::string& endpoint,
                       const std::string& problem, const std::string& expected)
    : std::runtime_error(option + ": " + endpoint + " " + problem + "; expected " + expected) {}

EventSocket::EventSocket(zmq::context_t& context, const std::string& endpoint)
    : socket_(context, zmq::socket_type::sub) {
  socket_.set(zmq::sockopt::rcvhwm, event_queue_max);
  socket_.set(zmq::sockopt::linger, 0);
  socket_.set(zmq::sockopt::subscribe, "");
  endpoint_ = bind_socket(socket_, "--events", endpoint);
}

EventSocket::Received EventSocket::receive(std::string_view& payload) {
  if (!receive_frame(socket_, topic_)) {
    return Received::nothing;
  }
  zmq::message_t& next = payloads_[held_];
  if (!topic_.more() || !receive_frame(socket_, next) || discard_rest(socket_, next)) {
    return Received::malformed;
  }
  payload = view(next);
  ++held_;
  return Received::message;
}

void EventSocket::release() {
  for (; held_ > 0; --held_) {
    payloads_[held_ - 1].rebuild();
  }
}

AlertSocket::AlertSocket(zmq::context_t& context, const std::string& endpoint, std::size_t kept)
    : socket_(context, zmq::socket_type::pub) {
  const std::size_t queue = std::min<std::size_t>(kept, INT_MAX - alert_queue_extra);
  socket_.set(zmq::sockopt::sndhwm, static_cast<int>(queue + alert_queue_extra));
  socket_.set(zmq::sockopt::linger, alert_linger_ms);
  endpoint_ = bind_socket(socket_, "--alerts", endpoint);
}

void AlertSocket::publish(std::string_view topic, std::string_view payload) {
  send_frame(socket_, topic, zmq::send_flags::sndmore | zmq::send_flags::dontwait);
  send_frame(socket_, payload, zmq::send_flags::dontwait);
}

StatusSocket::StatusSocket(zmq::context_t& context, const std::string& endpoint,
                           std::string failure_reply)
    : socket_(context, zmq::socket_type::rep), failure_reply_(std::move(failure_reply)) {
  socket_.set(zmq::sockopt::rcvhwm, request_queue_max);
  socket_.set(zmq::sockopt::sndhwm, reply_queue_max);
  socket_.set(zmq::sockopt::linger, reply_linger_ms);
  endpoint_ = bind_socket(socket_, "--status", endpoint);
}

StatusSocket::Served StatusSocket::serve(const Answer& answer) {
  // Takes note of what the peers have read of earlier replies. Left to recv and send, which look
  // only now and then, a busy client's queue seems full, and libzmq drops its reply silently.
  static_cast<void>(socket_.get(zmq::sockopt::events));
  if (!receive_frame(socket_, request_)) {
    return Served::nothing;
  }
  const bool several = discard_rest(socket_, request_);
  Served served = Served::answered;
  std::string_view reply = failure_reply_;
  try {
    reply_.clear();
    answer(several ? std::nullopt : std::optional{view(request_)}, reply_);
    reply = reply_;
  } catch (const std::exception&) {
    served = Served::failed;
  }
  send_frame(socket_, reply, zmq::send_flags::dontwait);
  return served;
}

void wait(EventSocket* events, AlertSocket& alerts, StatusSocket& status, std::span<const int> fds,
          Duration timeout) {
  std::array<zmq::pollitem_t, 5> items{{
      // Never readable, but polling it handles new subscribers as they come.
      {alerts.handle().handle(), 0, ZMQ_POLLIN, 0},
      {status.handle().handle(), 0, ZMQ_POLLIN, 0},
  }};
  std::size_t count = 2;
  if (events != nullptr) {
    items.at(count++) = {events->handle().handle(), 0, ZMQ_POLLIN, 0};
  }
  for (const int fd : fds) {
    items.at(count++) = {nullptr, fd, ZMQ_POLLIN, 0};
  }
  try {
    zmq::poll(items.data(), count, timeout);
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) {
      throw;
    }
  }
}

}  // namespace heartbeat::bus
