// The monitor, as the gateway asks it: one question at a time, in a thread of its own.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "heartbeat/status_client.hpp"
#include "workers.hpp"

namespace heartbeat::hbgate {

class Monitor {
 public:
  // `stop_fd`: once it is readable, no answer is waited for.
  Monitor(std::string endpoint, Duration timeout, int stop_fd,
          Duration asked_again_after = Duration{1'000});

  // Asks. Where the monitor has left a question unanswered, the next within `asked_again_after` are
  // told so without being asked: a thousand requests to a monitor that is gone must not wait one by
  // one. Throws Refusal where too many wait. REQUIRES: the request outlives the answer, so no
  // temporary: GCC 12 destroys an aggregate that is made within a co_await twice.
  template <class Request>
  auto ask(const Request& request) {
    using Reply = decltype(reply_to(request));
    return exchange<Reply>(request);
  }
  template <class Request>
  auto ask(const Request&& request) = delete;

  // It has been heard: the next question is asked in any case.
  void heard() { silent_until_.reset(); }

 private:
  using Clock = std::chrono::steady_clock;

  static PingReply reply_to(const PingRequest&);
  static StatusReply reply_to(const StatusRequest&);
  static AgentsReply reply_to(const AgentsRequest&);
  static AgentReply reply_to(const AgentRequest&);
  static AlertsReply reply_to(const AlertsRequest&);
  static CountersReply reply_to(const CountersRequest&);

  template <class Reply, class Request>
  boost::asio::awaitable<Answer<Reply>> exchange(const Request& request) {
    if (silent_until_ && Clock::now() < *silent_until_) {
      co_return Unreachable{why_};
    }
    const auto until = Clock::now() + timeout_;
    Answer<Reply> answer = co_await workers_.run([this, &request, until]() -> Answer<Reply> {
      if (Clock::now() >= until) {
        return Unreachable{"the questions before this one took too long"};
      }
      return client_.ask(request);
    });
    if (const auto* unreachable = std::get_if<Unreachable>(&answer)) {
      why_ = unreachable->why;
      silent_until_ = Clock::now() + asked_again_after_;
    }
    co_return answer;
  }

  static constexpr std::size_t questions_max = 256;  // that wait

  const Duration timeout_;
  const Duration asked_again_after_;
  StatusClient client_;
  std::optional<Clock::time_point> silent_until_;
  std::string why_;
  Workers workers_{1, questions_max};
};

// What to answer where the monitor gave no reply.
template <class Reply>
Response no_reply(const Answer<Reply>& answer) {
  if (const auto* error = std::get_if<Error>(&answer)) {
    const unsigned status = error->code == "bad_argument" ? 400
                            : error->code == "not_found"  ? 404
                                                          : 502;
    return respond({{"success", false}, {"error", telling::to_json(*error)}}, status);
  }
  return refuse(503, "monitor_silent",
                "the monitor does not answer: " + std::get<Unreachable>(answer).why);
}

}  // namespace heartbeat::hbgate
