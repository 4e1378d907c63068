// Texts that agents choose, where metrics have them for labels: each label costs whoever keeps the
// metrics, so only the largest have one, and only so many texts are told apart at all.
//
// What is counted of a text is counted under its label; without one, under `other`. What a label
// had counted goes with it, and if the text has one again it begins at 0: whoever takes differences
// has seen those counts already, and would see them a second time if they joined those of `other`.
//
// Where as many are told apart as can be, a new text, which may yet be among the largest, takes the
// place of the smallest that has no label. The runs that were held there are those of `other` from
// then on. The new text begins at nothing, not at the weight that it replaces, as it would in the
// Space-Saving algorithm: so a flood of texts pushes out its own, and not those that were there
// before. For the same reason only the smaller half of the places is given away between two
// choices, each once; new texts beyond that are `other`.
#pragma once

#include <compare>
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
  using Place = std::uint16_t;
  // Of all texts that are not told apart.
  static constexpr Place other = 0;
  // The place of a text for who keeps it longer: it is `other` once another text has that place.
  using Index = std::uint32_t;
  struct Found {
    Index index = other;
    // Another text had the place till now: what is counted there belongs to `other`.
    bool replaced = false;
  };

  explicit Labels(std::size_t shown_max = labels_max, std::size_t texts_max = label_texts_max);

  // "" is called `none`.
  Found find_or_add(std::string_view text);
  // Holds until the next find_or_add().
  Place place(Index index) const {
    const auto at = static_cast<Place>(index & place_mask);
    return entries_[at].texts_before == index >> place_bits ? at : other;
  }
  // Runs in flight, and ended ones, which weigh less and less: they decide which texts are shown.
  // No choice is made where there are no more of them than can be.
  void hold(Place place) { ++entries_[place].held; }
  void release(Place place) { --entries_[place].held; }
  void count_ended(Place place) { ++entries_[place].ended; }

  // Chooses anew who is shown, once `label_choice_interval` has passed. Returns the places that are
  // shown no longer.
  std::vector<Place> choose(Instant now);

  bool shown(Place place) const { return entries_[place].shown; }
  // REQUIRES: shown, or `other`.
  std::string_view text(Place place) const { return entries_[place].text; }
  std::size_t size() const { return entries_.size(); }

 private:
  // Of an Index; the other bits are `texts_before`.
  static constexpr unsigned place_bits = 10;
  static constexpr Index place_mask = (Index{1} << place_bits) - 1;
  // A place that has been given away as often stays with its last text: given away each second, it
  // comes to that in 48 days.
  static constexpr Index texts_before_max = UINT32_MAX >> place_bits;
  static_assert(label_texts_max <= place_mask);

  struct Entry {
    std::string text;
    std::uint64_t held = 0;
    std::uint64_t ended = 0;
    std::uint64_t added = 0;  // which of all texts it was
    Index texts_before = 0;   // at this place
    bool shown = false;
    std::uint64_t weight() const { return held + ended; }
  };
  // One that may have to go, in the order in which they go: the eldest of those that are as large,
  // so that a new one has time to grow.
  struct Small {
    std::uint64_t weight;
    std::uint64_t added;
    Place place;
    auto operator<=>(const Small&) const = default;
  };

  // A place for a new text; `other`: there is none.
  Place make_room();
  void look_for_small();
  void halve(Instant now);

  std::size_t shown_max_;
  std::size_t texts_max_;
  std::vector<Entry> entries_;  // the first is `other`
  SlotIndex by_text_;
  std::size_t shown_ = 0;
  std::uint64_t added_ = 0;
  bool looked_for_small_ = false;  // since the last choice
  std::vector<Small> small_;
  std::size_t small_passed_ = 0;  // of those
  Instant choose_at_;
  std::int64_t half_lives_ = 0;  // that have passed since the clock began
};

}  // namespace heartbeat::core
