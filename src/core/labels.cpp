#include "core/labels.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <tuple>

#include "core/check.hpp"
#include "core/hash.hpp"

namespace heartbeat::core {
namespace {

constexpr std::string_view name_of_other = "other";
constexpr std::string_view name_of_none = "none";

}  // namespace

Labels::Labels(std::size_t shown_max, std::size_t texts_max)
    : shown_max_(shown_max), texts_max_(texts_max), entries_(1) {
  check(texts_max_ <= place_mask);
  entries_[other].text = name_of_other;
}

Labels::Found Labels::find_or_add(std::string_view text) {
  text = text.empty() ? name_of_none : text;
  if (text == name_of_other) {
    return {};
  }
  const std::uint64_t hash = hash_of(text);
  Slot slot = by_text_.find(hash, [&](Slot at) { return same_name(entries_[at].text, text); });
  const bool added = slot == no_slot;
  if (added) {
    const Place place = make_room();
    if (place == other) {
      return {};
    }
    Entry& entry = entries_[place];
    entry.text = text;
    entry.added = ++added_;
    entry.shown = shown_ < shown_max_;
    shown_ += entry.shown ? 1U : 0U;
    by_text_.insert(hash, place);
    slot = place;
  }
  const Index texts_before = entries_[slot].texts_before;
  return {.index = texts_before << place_bits | slot, .replaced = added && texts_before > 0};
}

Labels::Place Labels::make_room() {
  if (entries_.size() <= texts_max_) {
    entries_.emplace_back();
    return static_cast<Place>(entries_.size() - 1);
  }
  if (!looked_for_small_) {
    look_for_small();
  }
  while (small_passed_ < small_.size()) {
    const Small& small = small_[small_passed_++];
    Entry& entry = entries_[small.place];
    const bool has_grown = entry.weight() > small.weight;
    if (!has_grown) {
      by_text_.erase(hash_of(entry.text), small.place);
      entries_[other].held += entry.held;
      entry.held = entry.ended = 0;
      ++entry.texts_before;
      return small.place;
    }
  }
  return other;
}

void Labels::look_for_small() {
  looked_for_small_ = true;
  small_.clear();
  small_passed_ = 0;
  for (std::size_t at = 1; at < entries_.size(); ++at) {
    const Entry& entry = entries_[at];
    if (!entry.shown && entry.texts_before < texts_before_max) {
      small_.push_back({entry.weight(), entry.added, static_cast<Place>(at)});
    }
  }
  const std::size_t half = std::min(small_.size(), (texts_max_ + 1) / 2);
  std::ranges::partial_sort(small_, small_.begin() + static_cast<std::ptrdiff_t>(half));
  small_.resize(half);
}

std::vector<Labels::Place> Labels::choose(Instant now) {
  if (now < choose_at_) {
    return {};
  }
  choose_at_ = now + label_choice_interval;
  halve(now);
  looked_for_small_ = false;
  if (entries_.size() - 1 <= shown_max_) {
    return {};
  }
  std::vector<Place> order(entries_.size() - 1);
  std::iota(order.begin(), order.end(), Place{1});
  const auto end_of_shown = order.begin() + static_cast<std::ptrdiff_t>(shown_max_);
  // Of alike ones those that are shown already.
  std::nth_element(order.begin(), end_of_shown, order.end(), [this](Place one, Place another) {
    const Entry& a = entries_[one];
    const Entry& b = entries_[another];
    return std::tuple{b.weight(), b.shown, one} < std::tuple{a.weight(), a.shown, another};
  });
  std::vector<Place> lost;
  std::copy_if(end_of_shown, order.end(), std::back_inserter(lost),
               [this](Place place) { return shown(place); });
  for (const Place place : lost) {
    entries_[place].shown = false;
  }
  for (auto at = order.begin(); at != end_of_shown; ++at) {
    entries_[*at].shown = true;
  }
  shown_ = shown_max_;
  return lost;
}

void Labels::halve(Instant now) {
  const std::int64_t passed = now.time_since_epoch() / label_half_life;
  const std::int64_t times = std::min<std::int64_t>(passed - half_lives_, 63);
  half_lives_ = passed;
  if (times > 0) {
    for (Entry& entry : entries_) {
      entry.ended >>= times;
    }
  }
}

}  // namespace heartbeat::core
