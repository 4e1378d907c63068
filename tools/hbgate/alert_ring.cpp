#include "alert_ring.hpp"

#include <algorithm>
#include <utility>

namespace heartbeat::hbgate {

void AlertRing::add(Entry entry) {
  if (entries_.size() == entries_max) {
    entries_.pop_front();
  }
  entries_.push_back(std::move(entry));
  ++end_;
}

std::optional<Place> AlertRing::news_after() const {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (entry->alert) {
      const Alert& last = *entry->alert;
      const bool before = news_after_ && news_after_->epoch == last.epoch &&
                          news_after_->seq > last.seq;  // it is still catching up
      return before ? news_after_ : Place{last.epoch, last.seq};
    }
  }
  return news_after_;
}

std::optional<std::uint64_t> AlertRing::after(const Place& place) const {
  std::uint64_t number = end_;
  std::optional<std::uint64_t> next;
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry, --number) {
    if (!entry->alert || entry->alert->epoch != place.epoch) {
      continue;
    }
    if (entry->alert->seq <= place.seq) {
      // An epoch that came back has those of another one between.
      return entry->alert->seq == place.seq ? std::optional{number} : next;
    }
    if (entry->alert->seq == place.seq + 1) {
      next = number - 1;
    }
  }
  return next;
}

client::LastSeqs AlertRing::last_before(std::uint64_t number) const {
  client::LastSeqs seqs;
  const Alert* last = nullptr;
  for (std::uint64_t each = begin(); each < number; ++each) {
    const auto& alert = at(each).alert;
    if (alert && last != nullptr && alert->epoch != last->epoch) {
      seqs.note(last->epoch, last->seq);
    }
    last = alert ? &*alert : last;
  }
  if (last != nullptr) {
    seqs.note(last->epoch, last->seq);
  }
  return seqs;
}

std::vector<Alert> AlertRing::of_agent(std::string_view agent_id,
                                       const std::optional<std::string>& run_id,
                                       std::size_t count_max) const {
  std::vector<Alert> found;
  for (auto entry = entries_.rbegin(); entry != entries_.rend() && found.size() < count_max;
       ++entry) {
    if (entry->alert && entry->alert->agent_id == agent_id &&
        (!run_id || entry->alert->run_id == *run_id)) {
      found.push_back(*entry->alert);
    }
  }
  std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace heartbeat::hbgate
