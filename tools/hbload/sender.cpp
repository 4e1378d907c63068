#include "sender.hpp"

#include <time.h>

#include <algorithm>

#include "bus/clock.hpp"
#include "client/source.hpp"
#include "stop.hpp"
#include "wire/encode.hpp"

namespace heartbeat::hbload {
namespace {

constexpr std::uint64_t register_batch = 1'000;
// A paced sender sleeps no shorter than this: a turn of the scheduler.
constexpr std::chrono::microseconds nap{200};

// Up to some milliseconds old, at a fraction of the cost.
SteadyClock::time_point coarse_now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return SteadyClock::time_point{std::chrono::seconds{time.tv_sec} +
                                 std::chrono::nanoseconds{time.tv_nsec}};
}

}  // namespace

Sender::Sender(const LoadOptions& options, std::uint64_t number)
    : number_(number),
      processes_(options.processes),
      agents_((options.agents - number + options.processes - 1) / options.processes),
      batch_(options.batch),
      drum_(drum(options.mix)),
      seqs_(options.source_per_agent ? agents_ : 1),
      began_wall_(bus::wall_now()),
      random_(number + 1) {
  socket_.set(zmq::sockopt::linger, 0);
  // A full pipe refuses, rather than losing silently.
  socket_.set(zmq::sockopt::xpub_nodrop, 1);
  socket_.set(zmq::sockopt::sndtimeo, static_cast<int>(stop_look.count()));
  client::connect(socket_, options.endpoints.events);
  const std::string source = client::random_source();
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    forms_.emplace_back(static_cast<Kind>(kind), source, options.source_per_agent);
  }
}

bool Sender::wait_for_subscription(SteadyClock::time_point until, int stop_fd) {
  return client::wait(socket_, until, stop_fd) == client::Wake::message &&
         client::receive(socket_).front().starts_with('\x01');
}

void Sender::register_all(const std::atomic<bool>& stopped) {
  for (std::uint64_t first = 0; first < agents_; first += register_batch) {
    const std::uint64_t events = std::min(register_batch, agents_ - first);
    begin_message();
    wire::Encoder{payload_}.array(static_cast<std::uint32_t>(events));
    for (std::uint64_t agent = first; agent < first + events; ++agent) {
      append(Kind::register_, agent);
    }
    if (!finish_message("event", events, stopped)) {
      return;
    }
  }
}

void Sender::send(const Pace& pace, const std::atomic<bool>& stopped) {
  const auto began = SteadyClock::now();
  std::string topic = "event";
  for (std::uint64_t sent = 0; sent < pace.events;) {
    if (pace.rate > 0) {
      const std::chrono::duration<double> due{static_cast<double>(sent) / pace.rate};
      const auto at = began + std::chrono::duration_cast<SteadyClock::duration>(due);
      sleep_until(std::min(at, pace.end), stopped, nap);
    }
    const std::uint64_t events = std::min(batch_, pace.events - sent);
    if (begin_message() >= pace.end) {
      return;
    }
    if (batch_ > 1) {
      wire::Encoder{payload_}.array(static_cast<std::uint32_t>(events));
    }
    for (std::uint64_t i = 0; i < events; ++i) {
      append(drum_[any(drum_.size())], any(agents_));
    }
    if (batch_ == 1) {
      topic.assign("event.").append(agent_prefix).append(changing_.agent.data(), 8);
    }
    if (!finish_message(topic, events, stopped)) {
      return;
    }
    sent += events;
  }
}

// All of one message are sent at the same time.
SteadyClock::time_point Sender::begin_message() {
  payload_.clear();
  const auto now = coarse_now();
  const auto age = std::chrono::floor<Duration>(std::max(now, began_) - began_);
  changing_.running_for_ms = static_cast<std::uint32_t>(age.count());
  changing_.sent_at = began_wall_ + age;
  return now;
}

void Sender::append(Kind kind, std::uint64_t agent_of_share) {
  changing_.agent = digits_of(static_cast<std::uint32_t>(number_ + agent_of_share * processes_));
  changing_.seq = ++seqs_[seqs_.size() == 1 ? 0 : agent_of_share];
  forms_[static_cast<std::size_t>(kind)].append(changing_, payload_);
}

bool Sender::finish_message(std::string_view topic, std::uint64_t events,
                            const std::atomic<bool>& stopped) {
  // Either both frames are taken or the first is refused.
  while (!socket_.send(zmq::buffer(topic), zmq::send_flags::sndmore)) {
    if (stopped.load(std::memory_order_relaxed)) {
      return false;
    }
  }
  socket_.send(zmq::buffer(payload_), zmq::send_flags::none);
  events_.store(this->events() + events, std::memory_order_relaxed);
  messages_.store(messages() + 1, std::memory_order_relaxed);
  return !stopped.load(std::memory_order_relaxed);
}

// xorshift64*: any agent is as likely as any other, and the same run after run.
std::uint64_t Sender::any(std::uint64_t below) {
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  return (((random_ * 0x2545F4914F6CDD1D) >> 32) * below) >> 32;
}

}  // namespace heartbeat::hbload
