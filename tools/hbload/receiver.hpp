// Who reads the events: the monitor, or anything that answers `counters` with at least
// messages_received_total.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "heartbeat/status_client.hpp"

namespace heartbeat::hbload {

// Its counters at one moment.
class Counts {
 public:
  explicit Counts(const CounterList& list) : counts_(list.begin(), list.end()) {}
  // nullopt = the receiver does not count that.
  std::optional<std::uint64_t> of(const std::string& name) const;
  // Rejected events, whatever the reason.
  std::optional<std::uint64_t> rejected() const;
  // Messages and events read so far.
  std::uint64_t messages() const { return of("messages_received_total").value_or(0); }

 private:
  std::map<std::string, std::uint64_t> counts_;
};

class Receiver {
 public:
  // Nothing is waited for once `stop_fd` is readable.
  Receiver(std::string endpoint, int stop_fd);

  // nullopt: no answer, or none that can be used; why() tells.
  std::optional<Counts> counts();
  // Returns when `messages` and `events` more than at `before` were read. nullopt: no answer, or
  // for 10 s nothing more was read; why() tells. `read` is told, now and then, how many events
  // were.
  std::optional<Counts> wait_until_read(const Counts& before, std::uint64_t messages,
                                        std::uint64_t events);
  const std::string& why() const { return why_; }

 private:
  StatusClient client_;
  int stop_fd_;
  std::string why_;
};

// How long the process has run on processors, all its threads together. nullopt = there is none.
std::optional<std::chrono::nanoseconds> processor_time(pid_t process);

}  // namespace heartbeat::hbload
