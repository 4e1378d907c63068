// Runs by the class of their agents: those in flight as they are, ended ones by how long they ran.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/histogram.hpp"
#include "core/labels.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::core {

inline constexpr std::array<std::uint64_t, 11> run_duration_bounds_ms{
    1'000,   5'000,   15'000,    30'000,    60'000,   120'000,
    300'000, 600'000, 1'200'000, 1'800'000, 3'600'000};
using RunDurations = Histogram<run_duration_bounds_ms>;

class RunTypes {
 public:
  using Index = Labels::Index;

  struct Counts {
    std::size_t running = 0;
    std::size_t idle = 0;
    std::size_t stale = 0;  // of those
    RunDurations ended_ms;
    void add_in_flight(const Counts& counts) {
      running += counts.running;
      idle += counts.idle;
      stale += counts.stale;
    }
    bool operator==(const Counts&) const = default;
  };

  explicit RunTypes(std::size_t shown_max = labels_max, std::size_t texts_max = label_texts_max)
      : labels_(shown_max, texts_max) {}

  // Returns where a run that takes flight is counted: all that follows is told of that.
  Index join(std::string_view agent_type, bool idle);
  void leave(Index index, bool idle);
  void change_status(Index index, bool idle);  // to `idle` from the other
  void become_stale(Index index) { ++counts_[labels_.place(index)].stale; }
  void become_fresh(Index index) { --counts_[labels_.place(index)].stale; }
  // Of a run that leaves, or just left, flight.
  void count_ended(Index index, Duration ran);

  // Call it now and then; it is cheap.
  void choose_labels(Instant now);

  // Calls visit(label, counts), no label twice; last that of `other`, unless nothing was ever
  // there.
  template <class Visit>
  void each(const Visit& visit) const {
    Counts others = counts_[Labels::other];
    for (std::size_t at = 1; at < counts_.size(); ++at) {
      const auto place = static_cast<Labels::Place>(at);
      if (labels_.shown(place)) {
        visit(labels_.text(place), counts_[place]);
      } else {
        others.add_in_flight(counts_[place]);
      }
    }
    if (others != Counts{}) {
      visit(labels_.text(Labels::other), others);
    }
  }

 private:
  Labels labels_;
  // By place. Runs that ended are only counted where there is a label.
  std::vector<Counts> counts_ = std::vector<Counts>(1);
};

// How often runs ended with each outcome.
class Outcomes {
 public:
  explicit Outcomes(std::size_t shown_max = labels_max, std::size_t texts_max = label_texts_max)
      : labels_(shown_max, texts_max) {}

  void count(std::string_view outcome);
  void choose_labels(Instant now);
  // As RunTypes::each(), with a number.
  template <class Visit>
  void each(const Visit& visit) const {
    for (std::size_t at = 1; at < counts_.size(); ++at) {
      if (labels_.shown(static_cast<Labels::Place>(at))) {
        visit(labels_.text(static_cast<Labels::Place>(at)), counts_[at]);
      }
    }
    if (counts_[Labels::other] != 0) {
      visit(labels_.text(Labels::other), counts_[Labels::other]);
    }
  }

 private:
  Labels labels_;
  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(1);
};

}  // namespace heartbeat::core
