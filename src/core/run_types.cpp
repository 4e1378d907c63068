#include "core/run_types.hpp"

#include <algorithm>

namespace heartbeat::core {

RunTypes::Index RunTypes::join(std::string_view agent_type, bool idle) {
  const Labels::Found found = labels_.find_or_add(agent_type);
  counts_.resize(std::max(counts_.size(), labels_.size()));
  const Labels::Place place = labels_.place(found.index);
  if (found.replaced) {
    counts_[Labels::other].add_in_flight(counts_[place]);
    counts_[place] = {};
  }
  labels_.hold(place);
  ++(idle ? counts_[place].idle : counts_[place].running);
  return found.index;
}

void RunTypes::leave(Index index, bool idle) {
  const Labels::Place place = labels_.place(index);
  labels_.release(place);
  --(idle ? counts_[place].idle : counts_[place].running);
}

void RunTypes::change_status(Index index, bool idle) {
  Counts& counts = counts_[labels_.place(index)];
  --(idle ? counts.running : counts.idle);
  ++(idle ? counts.idle : counts.running);
}

void RunTypes::count_ended(Index index, Duration ran) {
  const Labels::Place place = labels_.place(index);
  labels_.count_ended(place);
  counts_[labels_.shown(place) ? place : Labels::other].ended_ms.add(
      static_cast<std::uint64_t>(std::max(ran, Duration{}).count()));
}

void RunTypes::choose_labels(Instant now) {
  for (const Labels::Place place : labels_.choose(now)) {
    counts_[place].ended_ms = {};
  }
}

void Outcomes::count(std::string_view outcome) {
  const Labels::Place place = labels_.place(labels_.find_or_add(outcome).index);
  counts_.resize(std::max(counts_.size(), labels_.size()));
  labels_.count_ended(place);
  ++counts_[labels_.shown(place) ? place : Labels::other];
}

void Outcomes::choose_labels(Instant now) {
  for (const Labels::Place place : labels_.choose(now)) {
    counts_[place] = 0;
  }
}

}  // namespace heartbeat::core
