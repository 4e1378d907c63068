#include "heartbeat/status_client.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "client/sockets.hpp"
#include "wire/decode.hpp"
#include "wire/encode.hpp"

namespace heartbeat {

class StatusClient::Connection {
 public:
  // The reply's bytes; nullopt = none within the limit, or stopped(). Throws zmq::error_t.
  std::optional<std::string> exchange(const std::string& endpoint, const std::string& request,
                                      Duration timeout, int stop_fd) {
    const auto until = client::SteadyClock::now() + timeout;
    if (!socket_) {
      zmq::socket_t fresh(context_, zmq::socket_type::req);
      fresh.set(zmq::sockopt::linger, 0);
      fresh.connect(endpoint);
      socket_ = std::move(fresh);
    }
    socket_->send(zmq::buffer(request), zmq::send_flags::none);
    wake_ = client::wait(*socket_, until, stop_fd);
    if (wake_ != client::Wake::message) {
      return std::nullopt;
    }
    return client::receive(*socket_).front();
  }
  // After a question without an answer a REQ socket accepts no other.
  void reset() { socket_.reset(); }
  // The last wait ended because nobody wants its answer any more.
  bool stopped() const { return wake_ == client::Wake::stop; }

 private:
  zmq::context_t context_{1};
  std::optional<zmq::socket_t> socket_;
  client::Wake wake_ = client::Wake::time;
};

StatusClient::StatusClient(std::string endpoint, Duration timeout, int attempts, int stop_fd)
    : endpoint_(std::move(endpoint)),
      timeout_(timeout),
      attempts_(attempts),
      stop_fd_(stop_fd),
      connection_(std::make_unique<Connection>()) {
  if (attempts < 1) {
    throw std::invalid_argument("StatusClient: attempts: got " + std::to_string(attempts) +
                                ", expected at least 1");
  }
}

StatusClient::~StatusClient() = default;

template <class Reply, class Request>
Answer<Reply> StatusClient::exchange(const Request& request) {
  std::string bytes;
  wire::encode_request(request, bytes);
  std::optional<std::string> reply;
  try {
    for (int attempt = 0; attempt < attempts_ && !reply; ++attempt) {
      reply = connection_->exchange(endpoint_, bytes, timeout_, stop_fd_);
      if (!reply) {
        connection_->reset();
      }
    }
  } catch (const zmq::error_t& error) {
    connection_->reset();
    return Unreachable{endpoint_ + ": " + error.what()};
  }
  if (!reply && connection_->stopped()) {
    return Unreachable{"stopped waiting for an answer from " + endpoint_};
  }
  if (!reply) {
    return Unreachable{"no answer from " + endpoint_ + " within " +
                       std::to_string(timeout_.count() * attempts_) + " ms"};
  }
  auto decoded = wire::decode_reply<Reply>(*reply);
  if (auto* problem = std::get_if<wire::Problem>(&decoded)) {
    return Unreachable{"not a reply that can be read, from " + endpoint_ + ": " + problem->message};
  }
  if (auto* error = std::get_if<Error>(&decoded)) {
    return std::move(*error);
  }
  return std::get<Reply>(std::move(decoded));
}

Answer<PingReply> StatusClient::ask(const PingRequest& request) {
  return exchange<PingReply>(request);
}
Answer<StatusReply> StatusClient::ask(const StatusRequest& request) {
  return exchange<StatusReply>(request);
}
Answer<AgentsReply> StatusClient::ask(const AgentsRequest& request) {
  return exchange<AgentsReply>(request);
}
Answer<AgentReply> StatusClient::ask(const AgentRequest& request) {
  return exchange<AgentReply>(request);
}
Answer<AlertsReply> StatusClient::ask(const AlertsRequest& request) {
  return exchange<AlertsReply>(request);
}
Answer<CountersReply> StatusClient::ask(const CountersRequest& request) {
  return exchange<CountersReply>(request);
}

}  // namespace heartbeat
