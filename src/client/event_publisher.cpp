#include "client/event_publisher.hpp"

#include <chrono>

#include "client/fitting.hpp"
#include "client/source.hpp"
#include "wire/encode.hpp"

namespace heartbeat::client {
namespace {

// How long closing waits for what was handed over but not yet sent.
constexpr Duration linger{1'000};

}  // namespace

EventPublisher::EventPublisher(const std::string& endpoint, int stop_fd)
    : publication_(endpoint, linger), stop_fd_(stop_fd), source_(random_source()) {}

bool EventPublisher::wait_for_monitor(Duration timeout) {
  const auto until = time_after(timeout);
  publication_.look(SteadyClock::now());
  while (!publication_.subscribed() && SteadyClock::now() < until && !readable(stop_fd_)) {
    publication_.look(until, stop_fd_);
  }
  return publication_.subscribed();
}

bool EventPublisher::publish(Event event, Duration timeout) {
  const auto until = time_after(timeout);
  if (!wait_for_monitor(timeout)) {
    return false;
  }
  std::string detail;
  std::string phase;
  if (event.detail) {
    event.detail = detail = fitting(&Event::detail, *event.detail);
  }
  if (event.phase) {
    event.phase = phase = fitting(&Event::phase, *event.phase);
  }
  event.source = source_;
  event.seq = seq_ + 1;
  if (!event.sent_at) {
    event.sent_at = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  }
  std::string payload;
  wire::encode(event, payload);
  const auto left = std::chrono::ceil<Duration>(until - SteadyClock::now());
  if (!publication_.send("event." + std::string(event.agent_id), payload, left)) {
    return false;
  }
  seq_ = event.seq;
  return true;
}

}  // namespace heartbeat::client
