#include "client/status_connection.hpp"

#include "client/sockets.hpp"

namespace heartbeat::client {

std::optional<Unreachable> StatusConnection::send_bytes(const std::string& bytes) {
  give_up();
  try {
    if (!socket_) {
      zmq::socket_t fresh(context_, zmq::socket_type::req);
      fresh.set(zmq::sockopt::linger, 0);
      fresh.connect(endpoint_);
      socket_ = std::move(fresh);
    }
    socket_->send(zmq::buffer(bytes), zmq::send_flags::none);
  } catch (const zmq::error_t& error) {
    socket_.reset();
    return Unreachable{endpoint_ + ": " + error.what()};
  }
  open_ = true;
  return std::nullopt;
}

std::string StatusConnection::receive_bytes() {
  open_ = false;
  const auto frames = receive(*socket_);
  if (frames.empty()) {  // whoever answers is no REP: libzmq has thrown its answer away
    socket_.reset();
    return {};
  }
  return frames.front();
}

// After a question without an answer a REQ socket accepts no other.
void StatusConnection::give_up() {
  if (std::exchange(open_, false)) {
    socket_.reset();
  }
}

Unreachable StatusConnection::no_answer_within(Duration limit) const {
  return {"no answer from " + endpoint_ + " within " + std::to_string(limit.count()) + " ms"};
}

}  // namespace heartbeat::client
