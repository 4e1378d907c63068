// When a monitor that dawdles nowhere has said what is due: it wakes in the first millisecond in
// which the deadline is exceeded, sends a probe (or, where one for an earlier deadline is on its
// way, as soon as that is back), has it back as late as its input is behind, and speaks in that
// turn. Only what was done to it puts that off: stops, the lag of its input thread, and turns that
// its share of events filled.
#pragma once

#include <set>
#include <vector>

#include "heartbeat/time.hpp"

namespace heartbeat::simulation {

class Promptness {
 public:
  // Instants are the world's, and do not decrease.
  void starts(Instant at);
  void stops(Instant from, Instant to) { stops_.push_back({from, to}); }
  void lags(Instant from, Duration lag) { lags_.push_back({from, lag}); }
  // The turn at `at` left messages unread that it had.
  void leaves_unread(Instant at) { unread_.insert(at); }

  // The last instant for a verdict that is due at `due`, by what has happened by now.
  Instant said_by(Instant due) const;

 private:
  struct Stop {
    Instant from;
    Instant to;
  };
  struct Lag {
    Instant from;
    Duration lag{};
  };
  Instant turn_from(Instant at) const;
  Instant received(Instant sent) const;
  Instant reads(Instant sent) const;

  Instant started_;
  std::vector<Stop> stops_;
  std::vector<Lag> lags_{{}};
  std::set<Instant> unread_;
};

}  // namespace heartbeat::simulation
