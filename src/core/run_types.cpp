#include "core/run_types.hpp"

#include <algorithm>

namespace heartbeat::core {

RunTypes::Index RunTypes::join(std::string_view agent_type, bool idle) {
  const Index index = labels_.find_or_add(agent_type);
  counts_.resize(std::max(counts_.size(), labels_.size()));
  labels_.hold(index);
  ++(idle ? counts_[index].idle : counts_[index].running);
  return index;
}

void RunTypes::leave(Index index, bool idle) {
  labels_.release(index);
  --(idle ? counts_[index].idle : counts_[index].running);
}

void RunTypes::change_status(Index index, bool idle) {
  --(idle ? counts_[index].running : counts_[index].idle);
  ++(idle ? counts_[index].idle : counts_[index].running);
}

void RunTypes::count_ended(Index index, Duration ran) {
  labels_.count_ended(index);
  counts_[labels_.shown(index) ? index : Labels::other].ended_ms.add(
      static_cast<std::uint64_t>(std::max(ran, Duration{}).count()));
}

void RunTypes::choose_labels(Instant now) {
  for (const Index index : labels_.choose(now)) {
    counts_[index].ended_ms = {};
  }
}

void Outcomes::count(std::string_view outcome) {
  const Labels::Index index = labels_.find_or_add(outcome);
  counts_.resize(std::max(counts_.size(), labels_.size()));
  labels_.count_ended(index);
  ++counts_[labels_.shown(index) ? index : Labels::other];
}

void Outcomes::choose_labels(Instant now) {
  for (const Labels::Index index : labels_.choose(now)) {
    counts_[index] = 0;
  }
}

}  // namespace heartbeat::core
