// The alerts about silent agents, as a consumer gets them: without gaps.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <vector>

#include "heartbeat/alert_subscriber.hpp"
#include "heartbeat/endpoints.hpp"
#include "silences.hpp"

namespace heartbeat::hbload {

class Heard {
 public:
  // Hears what is raised from now on. `silences` outlives it. Throws std::exception if the endpoint
  // cannot be used.
  Heard(const Endpoints& endpoints, const Silences& silences, std::size_t silent);

  // Until there was one about each agent, or `stopped`.
  void listen(const std::atomic<bool>& stopped);

  // Agents heard of; for other threads too.
  std::size_t count() const { return count_; }
  // The rest only when nobody listens. By number of the agent: when the first about it came.
  const std::vector<std::optional<SteadyClock::time_point>>& at() const { return at_; }
  // Those that say `overloaded`.
  std::size_t overloaded() const { return overloaded_; }

 private:
  void note(const AlertSubscriber::Notice& notice);

  AlertSubscriber subscriber_;
  const Silences& silences_;
  std::vector<std::optional<SteadyClock::time_point>> at_;
  std::size_t overloaded_ = 0;
  std::atomic<std::size_t> count_{0};
};

}  // namespace heartbeat::hbload
