// Texts that agents choose, where metrics have them for labels: each label costs whoever keeps the
// metrics, so only the largest have one, and only so many texts are told apart at all.
//
// What is counted of a text is counted under its label; without one, under `other`. What a label
// had counted goes with it, and if the text has one again it begins at 0: whoever takes differences
// has seen those counts already, and would see them a second time if they joined those of `other`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/slot_index.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::core {

inline constexpr std::size_t labels_max = 50;            // that are shown, beside `other`
inline constexpr std::size_t label_texts_max = 1'000;    // that are told apart
inline constexpr Duration label_choice_interval{1'000};  // between one choice and the next
inline constexpr Duration label_half_life{3'600'000};    // of what an ended run weighs

class Labels {
 public:
  // The place of a text.
  using Index = std::uint16_t;
  // Of all texts that are not told apart.
  static constexpr Index other = 0;

  explicit Labels(std::size_t shown_max = labels_max, std::size_t texts_max = label_texts_max);

  // "" is called `none`. The place holds as long as a run is held there; else only until the next
  // call, which may take it for another text where there are many.
  Index find_or_add(std::string_view text);
  // Runs in flight, and ended ones, which weigh less and less: they decide which texts are shown.
  // No choice is made where there are no more of them than can be.
  void hold(Index index) { ++entries_[index].held; }
  void release(Index index) { --entries_[index].held; }
  void count_ended(Index index) { ++entries_[index].ended; }

  // Chooses anew who is shown, once `label_choice_interval` has passed. Returns the places that are
  // shown no longer.
  std::vector<Index> choose(Instant now);

  bool shown(Index index) const { return entries_[index].shown; }
  // REQUIRES: shown, or `other`.
  std::string_view text(Index index) const { return entries_[index].text; }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string text;
    std::uint64_t held = 0;
    std::uint64_t ended = 0;
    bool shown = false;
    std::uint64_t weight() const { return held + ended; }
  };

  Index find_free();
  void halve(Instant now);

  std::size_t shown_max_;
  std::size_t texts_max_;
  std::vector<Entry> entries_;  // the first is `other`
  SlotIndex by_text_;
  std::size_t shown_ = 0;
  std::size_t look_from_ = 0;  // for a place that has become free
  Instant choose_at_;
  std::int64_t half_lives_ = 0;  // that have passed since the clock began
};

}  // namespace heartbeat::core
