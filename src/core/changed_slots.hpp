// Places whose records differ from what was last written elsewhere, each once, in the order in
// which they changed. Empty until started: a fleet that is not written pays for none of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "core/run.hpp"

namespace heartbeat::core {

class ChangedSlots {
 public:
  void start() { started_ = true; }
  void add(Slot slot) {
    if (!started_) {
      return;
    }
    if (slot >= waiting_.size()) {
      waiting_.resize(std::size_t{slot} + 1);
    }
    if (waiting_[slot] == 0) {
      waiting_[slot] = 1;
      queue_.push_back(slot);
    }
  }
  // The one that has waited longest; the caller has its record from here on.
  std::optional<Slot> take() {
    if (queue_.empty()) {
      return std::nullopt;
    }
    const Slot slot = queue_.front();
    queue_.pop_front();
    waiting_[slot] = 0;
    return slot;
  }
  std::size_t size() const { return queue_.size(); }

 private:
  bool started_ = false;
  std::deque<Slot> queue_;
  std::vector<std::uint8_t> waiting_;  // by slot
};

}  // namespace heartbeat::core
