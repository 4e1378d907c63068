// How far the monitor has read its input, by the probes that it sends through its own event socket:
// what came back was sent at an instant up to which all has been read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "heartbeat/time.hpp"

namespace heartbeat::daemon {

class Watermark {
 public:
  explicit Watermark(Instant now) : read_to_(now), last_sent_(now) {}

  // A deadline that has passed may be judged only once a probe sent after it is back. One goes out
  // each second in any case, so that the lag is known.
  bool wants_probe(std::optional<Instant> deadline, Instant now) const;
  // REQUIRES: wants_probe(). The number of the probe.
  std::uint64_t sent(Instant now);
  // One is wanted and cannot be sent: the lag grows as if it were on its way.
  void unsent(Instant now);
  void returned(std::uint64_t number);
  // None of those on their way will come back. The lag counts from the oldest of them on, until
  // another one has come back.
  void lost() { on_their_way_.clear(); }
  // The monitor did not run: that it did not read is no lag of its input.
  void paused(Duration pause) { paused_ += pause; }

  // Deadlines before this instant may fire.
  Instant read_to() const { return read_to_; }
  // Whether the next word about `deadline` comes with a probe that is on its way, or with one that
  // cannot be sent before another has come back.
  bool awaits(Instant deadline) const {
    return unsent_ || on_their_way_.size() >= on_their_way_max || is_on_its_way(deadline);
  }
  // Age of the oldest probe that was wanted and has not come back; zero where there is none.
  Duration lag(Instant now) const;

 private:
  struct Sent {
    std::uint64_t number = 0;
    Instant at;
    Duration paused_before{};
  };
  static constexpr std::size_t on_their_way_max = 64;

  bool is_on_its_way(Instant deadline) const {
    return !on_their_way_.empty() && deadline < last_sent_;
  }

  std::deque<Sent> on_their_way_;  // oldest first
  std::optional<Sent> oldest_;     // of those, or of what was lost or could not be sent before
  bool unsent_ = false;
  std::uint64_t numbers_ = 0;
  Instant read_to_;
  Instant last_sent_;
  Duration paused_{};
};

}  // namespace heartbeat::daemon
