#include "receiver.hpp"

#include <time.h>

#include <utility>
#include <variant>

#include "client/sockets.hpp"
#include "stop.hpp"

namespace heartbeat::hbload {
namespace {

using client::SteadyClock;

constexpr Duration answer_wait{5'000};
constexpr std::chrono::seconds standstill_max{10};

}  // namespace

std::optional<std::uint64_t> Counts::of(const std::string& name) const {
  const auto found = counts_.find(name);
  return found == counts_.end() ? std::nullopt : std::optional{found->second};
}

std::optional<std::uint64_t> Counts::rejected() const {
  std::optional<std::uint64_t> sum;
  for (const auto& [name, count] : counts_) {
    if (name.starts_with("events_rejected_total")) {
      sum = sum.value_or(0) + count;
    }
  }
  return sum;
}

Receiver::Receiver(std::string endpoint, int stop_fd)
    : client_(std::move(endpoint), answer_wait, 1, stop_fd), stop_fd_(stop_fd) {}

std::optional<Counts> Receiver::counts() {
  const auto answer = client_.ask(CountersRequest{});
  if (const auto* reply = std::get_if<CountersReply>(&answer)) {
    Counts counts{reply->counters};
    if (counts.of("messages_received_total")) {
      return counts;
    }
    why_ = "the receiver does not count messages_received_total";
  } else if (const auto* error = std::get_if<Error>(&answer)) {
    why_ = error->message;
  } else {
    why_ = std::get<Unreachable>(answer).why;
  }
  return std::nullopt;
}

std::optional<Counts> Receiver::wait_until_read(const Counts& before, std::uint64_t messages,
                                                std::uint64_t events) {
  const char* events_name = "events_received_total";
  const std::uint64_t last_message = before.messages() + messages;
  const std::uint64_t last_event = before.of(events_name).value_or(0) + events;
  std::uint64_t seen = 0;
  auto moved = SteadyClock::now();
  while (const auto now = counts()) {
    if (now->messages() >= last_message &&
        now->of(events_name).value_or(last_event) >= last_event) {
      return now;
    }
    if (now->messages() > seen) {
      seen = now->messages();
      moved = SteadyClock::now();
    }
    if (SteadyClock::now() - moved > standstill_max) {
      why_ = "only " + std::to_string(seen - before.messages()) + " of " +
             std::to_string(messages) + " messages were read, and for 10 s no more";
      return std::nullopt;
    }
    rest(stop_fd_);
  }
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> processor_time(pid_t process) {
  clockid_t clock = 0;
  timespec time{};
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0) {
    return std::nullopt;
  }
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

}  // namespace heartbeat::hbload
