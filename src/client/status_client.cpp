#include "heartbeat/status_client.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "client/sockets.hpp"
#include "client/status_connection.hpp"

namespace heartbeat {

class StatusClient::Connection {
 public:
  explicit Connection(std::string endpoint) : asked_(context_, std::move(endpoint)) {}
  client::StatusConnection& operator*() { return asked_; }

 private:
  zmq::context_t context_ = client::make_context();
  client::StatusConnection asked_;
};

StatusClient::StatusClient(std::string endpoint, Duration timeout, int attempts, int stop_fd)
    : timeout_(std::clamp(timeout, Duration{0}, duration_max)),
      attempts_(attempts),
      stop_fd_(stop_fd),
      connection_(std::make_unique<Connection>(std::move(endpoint))) {
  if (attempts < 1) {
    throw std::invalid_argument("StatusClient: attempts: got " + std::to_string(attempts) +
                                ", expected at least 1");
  }
}

StatusClient::~StatusClient() = default;

template <class Reply, class Request>
Answer<Reply> StatusClient::exchange(const Request& request) {
  client::StatusConnection& asked = **connection_;
  try {
    for (int attempt = 0; attempt < attempts_; ++attempt) {
      if (auto unusable = asked.send(request)) {
        return *std::move(unusable);
      }
      switch (client::wait(asked.socket(), client::time_after(timeout_), stop_fd_)) {
        case client::Wake::message:
          return asked.answer<Reply>();
        case client::Wake::stop:
          asked.give_up();
          return Unreachable{"stopped waiting for an answer from " + asked.endpoint()};
        case client::Wake::time:
          break;
      }
    }
  } catch (const zmq::error_t& error) {
    asked.give_up();
    return Unreachable{asked.endpoint() + ": " + error.what()};
  }
  asked.give_up();
  return asked.no_answer_within(std::min(timeout_, duration_max / attempts_) * attempts_);
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
