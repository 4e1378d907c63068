// Since when the first of a queue has waited, without a stamp for each entry: once as many have
// left as there were at an instant, the rest came after it. So it may have waited for less than is
// said, never for longer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include "heartbeat/time.hpp"

namespace heartbeat::daemon {

class QueueAge {
 public:
  // The queue holds `size` entries; those that are new to it came at `now`.
  void hold(std::size_t size, Instant now) {
    if (size == 0) {
      since_.reset();
    } else if (!since_) {
      since_ = now;
      mark(size, now);
    }
  }
  // `count` have left, and `left` are there yet.
  void take(std::size_t count, std::size_t left, Instant now) {
    ahead_ -= std::min(ahead_, count);
    if (ahead_ == 0 && since_) {
      since_ = marked_;
      mark(left, now);
    }
    hold(left, now);
  }
  // Entries of `since` came back, behind the others.
  void put_back(Instant since, std::size_t size, Instant now) {
    since_ = std::min(since_.value_or(since), since);
    mark(size, now);
  }
  // nullopt: the queue is empty.
  std::optional<Instant> since() const { return since_; }

 private:
  void mark(std::size_t size, Instant now) {
    ahead_ = size;
    marked_ = now;
  }

  std::optional<Instant> since_;
  std::size_t ahead_ = 0;  // of those that were there at `marked_`
  Instant marked_;
};

}  // namespace heartbeat::daemon
