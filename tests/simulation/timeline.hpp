// Virtual time: what is to happen, in order of instants, and of when it was arranged between equal
// ones. Nothing waits for anything real.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "heartbeat/time.hpp"

namespace heartbeat::simulation {

class Timeline {
 public:
  using Action = std::function<void()>;

  Instant now() const { return now_; }
  void at(Instant when, Action action) {
    actions_.emplace(std::pair{std::max(when, now_), ++arranged_}, std::move(action));
  }
  void after(Duration delay, Action action) { at(now_ + delay, std::move(action)); }

  void run_until(Instant end) {
    while (!actions_.empty() && actions_.begin()->first.first <= end) {
      auto next = actions_.extract(actions_.begin());
      now_ = next.key().first;
      next.mapped()();
    }
    now_ = end;
  }

 private:
  Instant now_;
  std::uint64_t arranged_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, Action> actions_;
};

}  // namespace heartbeat::simulation
