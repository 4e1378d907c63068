// The last alerts, for streams that read them at their own pace, and for the page of one agent.
// Entries are numbered as they come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/last_seqs.hpp"
#include "heartbeat/alert.hpp"
#include "sse.hpp"

namespace heartbeat::hbgate {

class AlertRing {
 public:
  static constexpr std::size_t entries_max = 10'000;

  struct Entry {
    std::optional<Alert> alert;  // nullopt: the text tells of alerts that are kept no longer
    std::string text;            // as a stream sends it
  };

  // The oldest goes where there are too many.
  void add(Entry entry);
  // Who wants the news alone begins after this; nullopt = with the next entry.
  void set_news_after(Place place) { news_after_ = std::move(place); }
  std::optional<Place> news_after() const;

  // Those with numbers from begin() to before end() are here.
  std::uint64_t begin() const { return end_ - entries_.size(); }
  std::uint64_t end() const { return end_; }
  const Entry& at(std::uint64_t number) const { return entries_[number - begin()]; }

  // The number of what follows that place; nullopt: it is not here, the monitor has to be asked.
  std::optional<std::uint64_t> after(const Place& place) const;

  // Of each epoch, the last that is here before that number.
  client::LastSeqs last_before(std::uint64_t number) const;

  // The last alerts about the agent (and, unless nullopt, that run of it), oldest first.
  std::vector<Alert> of_agent(std::string_view agent_id, const std::optional<std::string>& run_id,
                              std::size_t count_max) const;

 private:
  std::deque<Entry> entries_;
  std::uint64_t end_ = 0;
  std::optional<Place> news_after_;
};

}  // namespace heartbeat::hbgate
