#include "core/labels.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <tuple>

#include "core/hash.hpp"

namespace heartbeat::core {
namespace {

constexpr std::string_view name_of_other = "other";
constexpr std::string_view name_of_none = "none";
// Places that are looked at for one new text: a flood of texts must not cost a walk each.
constexpr std::size_t look_max = 8;

}  // namespace

Labels::Labels(std::size_t shown_max, std::size_t texts_max)
    : shown_max_(shown_max), texts_max_(texts_max), entries_(1) {
  entries_[other].text = name_of_other;
}

Labels::Index Labels::find_or_add(std::string_view text) {
  text = text.empty() ? name_of_none : text;
  if (text == name_of_other) {
    return other;
  }
  const std::uint64_t hash = hash_of(text);
  const Slot slot =
      by_text_.find(hash, [&](Slot at) { return same_name(entries_[at].text, text); });
  if (slot != no_slot) {
    return static_cast<Index>(slot);
  }
  const Index index = find_free();
  if (index != other) {
    entries_[index].text = text;
    entries_[index].shown = shown_ < shown_max_;
    shown_ += entries_[index].shown ? 1U : 0U;
    by_text_.insert(hash, index);
  }
  return index;
}

// A new place, or that of a text of which there is nothing left; `other`: there was none.
Labels::Index Labels::find_free() {
  if (entries_.size() <= texts_max_) {
    entries_.emplace_back();
    return static_cast<Index>(entries_.size() - 1);
  }
  for (std::size_t looked = 0; looked < std::min(look_max, texts_max_); ++looked) {
    look_from_ = look_from_ % texts_max_ + 1;
    Entry& entry = entries_[look_from_];
    if (!entry.shown && entry.weight() == 0) {
      by_text_.erase(hash_of(entry.text), static_cast<Slot>(look_from_));
      entry = {};
      return static_cast<Index>(look_from_);
    }
  }
  return other;
}

std::vector<Labels::Index> Labels::choose(Instant now) {
  if (now < choose_at_) {
    return {};
  }
  choose_at_ = now + label_choice_interval;
  halve(now);
  if (entries_.size() - 1 <= shown_max_) {
    return {};
  }
  std::vector<Index> order(entries_.size() - 1);
  std::iota(order.begin(), order.end(), Index{1});
  const auto end_of_shown = order.begin() + static_cast<std::ptrdiff_t>(shown_max_);
  // Of alike ones those that are shown already.
  std::nth_element(order.begin(), end_of_shown, order.end(), [this](Index one, Index another) {
    const Entry& a = entries_[one];
    const Entry& b = entries_[another];
    return std::tuple{b.weight(), b.shown, one} < std::tuple{a.weight(), a.shown, another};
  });
  std::vector<Index> lost;
  std::copy_if(end_of_shown, order.end(), std::back_inserter(lost),
               [this](Index index) { return shown(index); });
  for (const Index index : lost) {
    entries_[index].shown = false;
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
