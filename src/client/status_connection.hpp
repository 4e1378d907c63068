// A question to the monitor in steps that never wait, so that whoever asks can wait for the answer
// together with other things: send(), wait until socket() has a message, answer().
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <zmq.hpp>

#include "heartbeat/status_client.hpp"
#include "heartbeat/time.hpp"
#include "wire/decode.hpp"
#include "wire/encode.hpp"

namespace heartbeat::client {

class StatusConnection {
 public:
  // `context` outlives it.
  StatusConnection(zmq::context_t& context, std::string endpoint)
      : context_(context), endpoint_(std::move(endpoint)) {}

  // A question that is still open is given up. Unreachable where the endpoint cannot be used; then
  // none is open.
  template <class Request>
  std::optional<Unreachable> send(const Request& request) {
    std::string bytes;
    wire::encode_request(request, bytes);
    return send_bytes(bytes);
  }
  // A question was sent, and neither answered nor given up.
  bool open() const { return open_; }
  // REQUIRES: open(). It has a message once the answer is there.
  zmq::socket_t& socket() { return *socket_; }
  // REQUIRES: open(), and the socket has a message.
  template <class Reply>
  Answer<Reply> answer();
  // Nobody waits for the answer any more.
  void give_up();

  Unreachable no_answer_within(Duration limit) const;
  const std::string& endpoint() const { return endpoint_; }

 private:
  std::optional<Unreachable> send_bytes(const std::string& bytes);
  std::string receive_bytes();

  zmq::context_t& context_;
  std::string endpoint_;
  std::optional<zmq::socket_t> socket_;
  bool open_ = false;
};

template <class Reply>
Answer<Reply> StatusConnection::answer() {
  auto decoded = wire::decode_reply<Reply>(receive_bytes());
  if (const auto* problem = std::get_if<wire::Problem>(&decoded)) {
    return Unreachable{"not a reply that can be read, from " + endpoint_ + ": " + problem->message};
  }
  if (auto* error = std::get_if<Error>(&decoded)) {
    return std::move(*error);
  }
  return std::get<Reply>(std::move(decoded));
}

}  // namespace heartbeat::client
