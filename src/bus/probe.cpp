#include "bus/probe.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "heartbeat/endpoints.hpp"

namespace heartbeat::bus {
namespace {

constexpr std::size_t token_bytes = 16;

std::string make_token() {
  std::string token(token_bytes, '\0');
  // So few bytes are given whole or not at all.
  while (getrandom(token.data(), token.size(), 0) < 0) {
    if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "getrandom");
    }
  }
  return token;
}

// Bound to every address means bound to this one, also where that was said as IPv6: libzmq then
// takes both, and not every machine has ::1.
std::string reachable(const std::string& events) {
  const auto address = tcp_address(events);
  if (!address || (address->host != "0.0.0.0" && address->host != "[::]")) {
    return events;
  }
  return "tcp://127.0.0.1:" + std::string{address->port};
}

}  // namespace

Probe::Probe(zmq::context_t& context, const std::string& events)
    : socket_(context, zmq::socket_type::xpub), token_(make_token()) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.set(zmq::sockopt::ipv6, 1);
  socket_.set(zmq::sockopt::xpub_verbose, 1);  // each connection shows, not only the first
  socket_.connect(reachable(events));
}

bool Probe::connected() {
  zmq::message_t subscription;
  while (socket_.recv(subscription, zmq::recv_flags::dontwait)) {
    ++connections_;
  }
  return connections_ != 0;
}

void Probe::send(std::uint64_t number) {
  zmq::message_t payload(token_.size() + sizeof number);
  std::memcpy(payload.data(), token_.data(), token_.size());
  std::memcpy(static_cast<char*>(payload.data()) + token_.size(), &number, sizeof number);
  socket_.send(zmq::str_buffer("probe"), zmq::send_flags::sndmore | zmq::send_flags::dontwait);
  socket_.send(payload, zmq::send_flags::dontwait);
}

std::optional<std::uint64_t> Probe::number(std::string_view payload) const {
  std::uint64_t number = 0;
  if (payload.size() != token_.size() + sizeof number || !payload.starts_with(token_)) {
    return std::nullopt;
  }
  std::memcpy(&number, payload.data() + token_.size(), sizeof number);
  return number;
}

}  // namespace heartbeat::bus
