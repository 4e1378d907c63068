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
        publisher_(endpoints.events, stop_fd),
        status_(endpoints.status, timeout, 1, stop_fd) {}

  Workers& workers() { return workers_; }

  // In its thread.
  std::variant<Handled, Unreachable> publish(std::span<const Event> events,
                                             SteadyClock::time_point until) {
    for (const Event& event : events) {
      const auto left = std::chrono::ceil<Duration>(until - SteadyClock::now());
      if (!publisher_.publish(event, std::max(left, Duration{0}))) {
        return Unreachable{endpoint_ + " took no events in time"};
      }
    }
    const auto answer = client::wait_until_read(status_, publisher_, until);
    if (const auto* error = std::get_if<Error>(&answer)) {
      return Unreachable{error->message};
    }
    if (const auto* unreachable = std::get_if<Unreachable>(&answer)) {
      return *unreachable;
    }
    const auto& reply = std::get<PingReply>(answer);
    const std::uint64_t rejected = reply.source_rejected.value_or(0);
    // Less than before: another monitor, which counts anew.
    const std::uint64_t before = rejected < rejected_ ? 0 : rejected_;
    rejected_ = rejected;
    return Handled{events.size(), static_cast<std::size_t>(rejected - before),
                   rejected > before ? reply.source_rejected_reason.value_or("") : ""};
  }

 private:
  static constexpr std::size_t requests_max = 64;  // that wait

  const std::string endpoint_;
  client::EventPublisher publisher_;
  StatusClient status_;
  std::uint64_t rejected_ = 0;  // of its source, so far
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
