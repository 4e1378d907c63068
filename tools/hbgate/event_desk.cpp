#include "event_desk.hpp"

#include <algorithm>
#include <utility>

#include "client/reading.hpp"

namespace heartbeat::hbgate {

using client::SteadyClock;

class EventDesk::Lane {
 public:
  Lane(const Endpoints& endpoints, Duration timeout, int stop_fd)
      : endpoint_(endpoints.events),
        stop_fd_(stop_fd),
        status_(endpoints.status, timeout, 1, stop_fd) {}

  Workers& workers() { return workers_; }

  // In its thread.
  std::variant<Handled, Unreachable> publish(std::span<const Event> events,
                                             SteadyClock::time_point until) {
    if (SteadyClock::now() >= until) {
      return Unreachable{"the requests before this one took too long"};
    }
    if (!publisher_) {
      publisher_.emplace(endpoint_, stop_fd_);
    }
    auto handled = publish_and_wait(events, until);
    if (std::holds_alternative<Unreachable>(handled)) {
      // What of it is still read, or rejected, later is not the next request's.
      publisher_.reset();
    }
    return handled;
  }

 private:
  std::variant<Handled, Unreachable> publish_and_wait(std::span<const Event> events,
                                                      SteadyClock::time_point until) {
    const auto before = status_.ask(PingRequest{publisher_->source()});
    const auto* known = std::get_if<PingReply>(&before);
    if (known == nullptr) {
      return why_silent(before);
    }
    for (const Event& event : events) {
      const auto left = std::chrono::ceil<Duration>(until - SteadyClock::now());
      if (!publisher_->publish(event, std::max(left, Duration{0}))) {
        return Unreachable{endpoint_ + " took no events in time"};
      }
    }
    const auto after = client::wait_until_read(status_, *publisher_, until);
    const auto* reply = std::get_if<PingReply>(&after);
    if (reply == nullptr) {
      return why_silent(after);
    }
    // Another monitor counts from 0.
    const std::uint64_t rejected_before =
        reply->epoch == known->epoch ? known->source_rejected.value_or(0) : 0;
    const std::uint64_t rejected = reply->source_rejected.value_or(0);
    return Handled{events.size(),
                   static_cast<std::size_t>(rejected - std::min(rejected, rejected_before)),
                   reply->source_rejected_reason.value_or("")};
  }

  static Unreachable why_silent(const Answer<PingReply>& answer) {
    const auto* error = std::get_if<Error>(&answer);
    return error != nullptr ? Unreachable{error->message} : std::get<Unreachable>(answer);
  }

  static constexpr std::size_t requests_max = 64;  // that wait

  const std::string endpoint_;
  const int stop_fd_;
  std::optional<client::EventPublisher> publisher_;
  StatusClient status_;
  Workers workers_{1, requests_max};
};

EventDesk::EventDesk(Endpoints endpoints, Duration timeout, int stop_fd) : timeout_(timeout) {
  while (lanes_.size() < lanes_count) {
    lanes_.push_back(std::make_unique<Lane>(endpoints, timeout, stop_fd));
  }
}

EventDesk::~EventDesk() = default;

boost::asio::awaitable<std::variant<Handled, Unreachable>> EventDesk::publish(
    std::span<const Event> events) {
  const auto until = client::time_after(timeout_);
  Lane& lane = **std::min_element(lanes_.begin(), lanes_.end(), [](const auto& a, const auto& b) {
    return a->workers().waiting() < b->workers().waiting();
  });
  co_return co_await lane.workers().run(
      [&lane, events, until] { return lane.publish(events, until); });
}

}  // namespace heartbeat::hbgate
