// Turns transitions into numbered alerts and keeps the last ones, as the bytes that were
// published, for whoever missed them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/transition.hpp"
#include "heartbeat/alert.hpp"
#include "heartbeat/status.hpp"
#include "wire/encode.hpp"

namespace heartbeat::daemon {

// Which of the log's epochs an episode was opened in.
std::size_t episode_epoch(std::uint64_t episode);

// A fresh name for this incarnation of the monitor: 16 random hexadecimal digits.
std::string make_epoch();
using EpochMaker = std::function<std::string()>;

class AlertLog {
 public:
  AlertLog(std::string epoch, std::size_t kept_max);

  struct Entry {
    Alert alert;
    core::TransitionKind kind{};
    std::string topic;
    std::string payload;
    std::uint32_t slot = UINT32_MAX;  // the run's place in the fleet; UINT32_MAX = none
    std::optional<Instant> deadline;  // as the transition tells it
  };
  // Numbers and encodes the alert. It is nobody's to see until it was published. Returns it; the
  // reference holds until published_next().
  const Entry& add(const core::Transition& transition, WallTime now, bool overloaded);
  // The oldest alert that was not published yet, up to and with `seq_max`; nullptr = none.
  const Entry* next(std::uint64_t seq_max) const;
  // REQUIRES: there is a next one. From here on it is in pages.
  void published_next();
  std::size_t unpublished() const { return unpublished_.size(); }
  template <class Visit>
  void each_unpublished(const Visit& visit) const {
    std::for_each(unpublished_.begin(), unpublished_.end(), visit);
  }

  // What follows goes on where another monitor ended: alerts of `epoch` up to `last_seq`, of which
  // those after `published` are published once more. `epochs`: what episodes' numbers refer to.
  // REQUIRES: `alerts` end with `last_seq`, without gaps, or there are none.
  void resume(std::string epoch, std::vector<std::string> epochs, std::uint64_t last_seq,
              std::uint64_t published, std::vector<Alert> alerts);
  // A new epoch: alerts not published yet become its first; of those of the last one nothing is
  // kept. Returns the number from which episodes are to be counted.
  std::uint64_t begin_epoch(std::string epoch);
  // The epochs that episodes are named after, by the upper bits of their numbers.
  const std::vector<std::string>& epochs() const { return epochs_; }
  // The id of an episode, as alerts and status rows give it; "" for 0.
  std::string episode_id(std::uint64_t episode) const;

  // Published alerts after `since_seq`, oldest first: at most `limit`, and about `bytes_max`. Of
  // another `epoch` than ours nothing is known, so the page begins with the first kept. The views
  // hold until the next add().
  AlertsPage<wire::EncodedMap> page(std::uint64_t since_seq,
                                    const std::optional<std::string>& epoch, std::uint64_t limit,
                                    std::size_t bytes_max) const;

  const std::string& epoch() const { return epoch_; }
  std::uint64_t last_seq() const { return last_seq_; }
  std::uint64_t published_seq() const { return last_seq_ - unpublished_.size(); }
  std::size_t kept() const { return kept_.size(); }
  // How many of that kind, again or not, since this log began.
  std::uint64_t published(core::TransitionKind kind) const {
    return published_[static_cast<std::size_t>(kind)];
  }

 private:
  Entry& new_entry();
  static void encode(Entry& entry);
  void keep(const std::string& payload);
  void write_id(std::uint64_t episode, std::string& out) const;

  std::string epoch_;
  std::vector<std::string> epochs_{epoch_};
  std::size_t kept_max_;
  std::uint64_t last_seq_ = 0;
  std::list<Entry> unpublished_;  // the last of them has last_seq_
  // A few, to be filled anew: an alert's strings take more time to allocate than to write.
  std::list<Entry> published_entries_;
  std::deque<std::string> kept_;  // the last of them has published_seq()
  std::array<std::uint64_t, Names<core::TransitionKind>::table.size()> published_{};
};

}  // namespace heartbeat::daemon
