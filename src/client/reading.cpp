#include "client/reading.hpp"

#include <algorithm>
#include <thread>

namespace heartbeat::client {

namespace {

constexpr Duration pause_first{1};  // between two questions
constexpr Duration pause_max{50};

}  // namespace

Answer<PingReply> wait_until_read(StatusClient& status, const EventPublisher& publisher,
                                  SteadyClock::time_point until) {
  Duration pause = pause_first;
  while (true) {
    auto answer = status.ask(PingRequest{publisher.source()});
    const auto* reply = std::get_if<PingReply>(&answer);
    if (reply == nullptr || reply->source_seq.value_or(0) >= publisher.seq()) {
      return answer;
    }
    if (SteadyClock::now() >= until) {
      return Unreachable{
          "it has not read the event in time (do --events and --status belong to the same "
          "monitor?)"};
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, pause_max);
  }
}

}  // namespace heartbeat::client
