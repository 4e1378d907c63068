// One sending process: a connection and a source of its own, and a share of the agents. It has its
// own XPUB, and not client::Publication, which reads the clock for each message: what a sender
// costs a measurement of the receiver cannot tell from the receiver.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "client/sockets.hpp"
#include "event_form.hpp"
#include "heartbeat/time.hpp"
#include "options.hpp"

namespace heartbeat::hbload {

using client::SteadyClock;

// How much is sent, and how fast.
struct Pace {
  std::uint64_t events;         // at most so many
  SteadyClock::time_point end;  // and none after this
  double rate;                  // events a second; 0 = no limit
};

class Sender {
 public:
  // It speaks for the agents `number`, `number + processes`, … Throws std::runtime_error if the
  // endpoint cannot be used.
  Sender(const LoadOptions& options, std::uint64_t number);

  // True once somebody listens: what is sent before is lost.
  bool wait_for_subscription(SteadyClock::time_point until, int stop_fd);
  // Each agent of the share, in large batches. Ends early when `stopped`.
  void register_all(const std::atomic<bool>& stopped);
  // Events of any agents of the share. Where the connection does not take them it waits: nothing
  // is lost on the way. Ends early when `stopped`.
  void send(const Pace& pace, const std::atomic<bool>& stopped);

  // What was handed over so far; for other threads too.
  std::uint64_t events() const { return events_.load(std::memory_order_relaxed); }
  std::uint64_t messages() const { return messages_.load(std::memory_order_relaxed); }

 private:
  SteadyClock::time_point begin_message();
  void append(Kind kind, std::uint64_t agent_of_share);
  bool finish_message(std::string_view topic, std::uint64_t events,
                      const std::atomic<bool>& stopped);
  std::uint64_t any(std::uint64_t below);

  const std::uint64_t number_;
  const std::uint64_t processes_;
  const std::uint64_t agents_;  // of the share
  const std::uint64_t batch_;
  const std::vector<Kind> drum_;
  std::vector<EventForm> forms_;     // by Kind
  std::vector<std::uint32_t> seqs_;  // one, or one for each agent
  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::xpub};
  std::string payload_;
  Changing changing_;
  const SteadyClock::time_point began_ = SteadyClock::now();  // all its runs did
  const WallTime began_wall_;
  std::uint64_t random_;
  std::atomic<std::uint64_t> events_{0};
  std::atomic<std::uint64_t> messages_{0};
};

}  // namespace heartbeat::hbload
