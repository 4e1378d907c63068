// Turns transitions into numbered alerts and keeps the last ones, as the bytes that were
// published, for whoever missed them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "core/transition.hpp"
#include "heartbeat/alert.hpp"
#include "heartbeat/status.hpp"
#include "wire/encode.hpp"

namespace heartbeat::daemon {

// A fresh name for this incarnation of the monitor: 16 random hexadecimal digits.
std::string make_epoch();

// The id of an episode, as alerts and status rows give it; "" for 0.
std::string episode_id(std::string_view epoch, std::uint64_t episode);

class AlertLog {
 public:
  AlertLog(std::string epoch, std::size_t kept_max);

  struct Entry {
    Alert alert;
    std::string topic;
    std::string payload;
  };
  // Numbers and encodes the alert. The entry holds until the next call.
  const Entry& add(const core::Transition& transition, WallTime now, bool overloaded);

  // Kept alerts after `since_seq`, oldest first: at most `limit`, and about `bytes_max`. Of another
  // `epoch` than ours nothing is known, so the page begins with the first kept. The views hold
  // until the next add().
  AlertsPage<wire::EncodedMap> page(std::uint64_t since_seq,
                                    const std::optional<std::string>& epoch, std::uint64_t limit,
                                    std::size_t bytes_max) const;

  const std::string& epoch() const { return epoch_; }
  std::uint64_t last_seq() const { return last_seq_; }
  std::size_t kept() const { return kept_.size(); }
  std::uint64_t published(core::TransitionKind kind) const {
    return published_[static_cast<std::size_t>(kind)];
  }

 private:
  std::string epoch_;
  std::size_t kept_max_;
  std::uint64_t last_seq_ = 0;
  std::deque<std::string> kept_;  // the last of them has last_seq_
  std::array<std::uint64_t, Names<core::TransitionKind>::table.size()> published_{};
  Entry entry_;
};

}  // namespace heartbeat::daemon
