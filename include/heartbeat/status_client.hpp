// Asks the monitor. One question at a time; a client whose question went unanswered is as good as
// new for the next one (the socket is replaced, as REQ demands; the zguide calls it Lazy Pirate).
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "heartbeat/export.hpp"
#include "heartbeat/status.hpp"

namespace heartbeat {

// No answer within the time limit, an endpoint that cannot be used, or bytes that are no reply.
struct Unreachable {
  std::string why;
};

template <class Reply>
using Answer = std::variant<Reply, Error, Unreachable>;

class HEARTBEAT_EXPORT StatusClient {
 public:
  // A question is asked up to `attempts` times, each with `timeout` for its answer: it, or the
  // answer, may have died with a monitor that restarts. No question changes anything. Where
  // `stop_fd` (-1 = none) is readable no answer is waited for. Throws std::invalid_argument where
  // attempts is not above 0, std::runtime_error where too few descriptors are left.
  explicit StatusClient(std::string endpoint, Duration timeout = Duration{2'000}, int attempts = 1,
                        int stop_fd = -1);
  ~StatusClient();
  StatusClient(const StatusClient&) = delete;
  StatusClient& operator=(const StatusClient&) = delete;

  Answer<PingReply> ask(const PingRequest& request);
  Answer<StatusReply> ask(const StatusRequest& request);
  Answer<AgentsReply> ask(const AgentsRequest& request);
  Answer<AgentReply> ask(const AgentRequest& request);
  Answer<AlertsReply> ask(const AlertsRequest& request);
  Answer<CountersReply> ask(const CountersRequest& request);

 private:
  class HEARTBEAT_LOCAL Connection;
  template <class Reply, class Request>
  HEARTBEAT_LOCAL Answer<Reply> exchange(const Request& request);

  Duration timeout_;
  int attempts_;
  int stop_fd_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace heartbeat
