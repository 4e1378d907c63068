#include "promptness.hpp"

#include <algorithm>

namespace heartbeat::simulation {
namespace {

constexpr Duration tick{1};  // of the clock; also what a probe's way takes at most

}  // namespace

void Promptness::starts(Instant at) {
  started_ = at;
  stops_.clear();
  unread_.clear();
  lags_ = {{at, lags_.back().lag}};
}

// The first turn that may begin at `at` or later. One that was stopped in its middle has read its
// clock before.
Instant Promptness::turn_from(Instant at) const {
  for (const Stop& stop : stops_) {
    if (stop.from <= at && at < stop.to) {
      at = stop.to + tick;
    }
  }
  return at;
}

// Nothing overtakes what was sent before.
Instant Promptness::received(Instant sent) const {
  Instant received = sent;
  for (std::size_t i = 0; i < lags_.size() && lags_[i].from <= sent; ++i) {
    const Instant last = i + 1 < lags_.size() ? std::min(lags_[i + 1].from, sent) : sent;
    received = std::max(received, last + lags_[i].lag);
  }
  return received + tick;
}

// The turn that reads what was sent then.
Instant Promptness::reads(Instant sent) const {
  Instant turn = turn_from(received(sent));
  while (unread_.contains(turn)) {
    turn = turn_from(turn + tick);
  }
  return turn;
}

Instant Promptness::said_by(Instant due) const {
  const Instant since = std::max(due, started_);
  const Instant earlier_is_back = reads(since);
  return reads(turn_from(earlier_is_back + tick));
}

}  // namespace heartbeat::simulation
