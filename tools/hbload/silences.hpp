// Agents that fall silent at known instants: each says once how soon it will be heard again, and is
// not. The instant by which it had to be heard is its deadline, by this process's clock: when the
// promise was sent, and what it promised. (The monitor counts from when it reads it.)
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/publication.hpp"
#include "client/sockets.hpp"
#include "heartbeat/event.hpp"
#include "options.hpp"

namespace heartbeat::hbload {

using client::SteadyClock;

class Silences {
 public:
  // Throws std::runtime_error if the endpoint cannot be used.
  Silences(const std::string& endpoint, const LatencyOptions& options);

  bool wait_for_subscription(int stop_fd);
  // Sends all promises, each at its time. Ends early when `stopped`.
  void promise_all(const std::atomic<bool>& stopped);

  // Only after promise_all(). By number of the agent.
  const std::vector<SteadyClock::time_point>& deadlines() const { return deadlines_; }
  std::uint64_t messages() const { return messages_; }
  // The number of the agent with this id; nullopt = it is none of these.
  std::optional<std::size_t> number_of(std::string_view agent_id) const;

 private:
  void promise_spread(const std::atomic<bool>& stopped);
  void promise_together(const std::atomic<bool>& stopped);
  // Agents from `first` on, in one message.
  void promise(std::size_t first, std::size_t agents, Duration within,
               const std::atomic<bool>& stopped);

  const LatencyOptions options_;
  const std::string source_;
  client::Publication publication_;
  std::vector<SteadyClock::time_point> deadlines_;
  std::vector<std::string> ids_;
  std::vector<Event> events_;
  std::string payload_;
  std::uint64_t messages_ = 0;
};

}  // namespace heartbeat::hbload
