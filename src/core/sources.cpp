#include "core/sources.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/hash.hpp"
#include "core/limits.hpp"

namespace heartbeat::core {
namespace {

constexpr std::uint64_t window_size = 64;
constexpr std::size_t nearly_full = sources_max - sources_max / 16;
constexpr std::uint64_t jump_max = 1'000'000;

enum class Place { first, next, ahead, late, duplicate, restarted };

Place place_of(const Source& source, const Event& event) {
  const std::uint64_t seq = event.seq;
  if (source.highest == 0) {
    return Place::first;
  }
  if (event.kind == EventKind::register_ && seq == 1 && source.highest > 1) {
    return Place::restarted;
  }
  if (seq > source.highest) {
    const std::uint64_t ahead = seq - source.highest;
    return ahead == 1 ? Place::next : ahead <= jump_max ? Place::ahead : Place::restarted;
  }
  const std::uint64_t behind = source.highest - seq;
  if (behind == 0) {
    return Place::duplicate;
  }
  if (behind > window_size) {
    return Place::restarted;
  }
  return (source.window >> (behind - 1) & 1) != 0 ? Place::duplicate : Place::late;
}

// Moves the window so that `seq` is its upper end.
void move_window(Source& source, std::uint64_t seq) {
  const std::uint64_t ahead = seq - source.highest;
  source.window = ahead >= window_size ? 0 : source.window << ahead;
  if (ahead <= window_size) {
    source.window |= std::uint64_t{1} << (ahead - 1);
  }
  source.highest = seq;
}

// How many above `seq` were not seen, as far as the window reaches.
std::uint64_t unseen_above(const Source& source, std::uint64_t seq) {
  const std::uint64_t from = std::max(seq, source.base);
  if (source.highest <= from + 1) {
    return 0;
  }
  const std::uint64_t count = std::min(source.highest - 1 - from, window_size);
  const std::uint64_t mask = ~std::uint64_t{0} >> (window_size - count);
  return count - static_cast<std::uint64_t>(std::popcount(source.window & mask));
}

}  // namespace

Slot Sources::prefetch_likely(std::uint64_t hash) const {
  const Slot slot = by_name_.likely(hash);
  if (slot != no_slot) {
    slots_.prefetch(slot);
  }
  return slot;
}

Sequence Sources::observe(const Event& event, std::uint64_t hash, Slot likely, Instant now) {
  if (event.source.empty() || event.seq == 0) {
    return {};
  }
  Slot slot = likely != no_slot && same_name(slots_[likely].name, event.source)
                  ? likely
                  : find_slot(event.source, hash);
  if (slot != no_slot && now - slots_[slot].heard > source_kept_ms) {
    forget(slot);
    slot = no_slot;
  }
  if (slot == no_slot) {
    slot = add(event.source, hash, now);
  }
  Source& source = slots_[slot];
  source.heard = now;
  changed_.add(slot);
  switch (place_of(source, event)) {
    case Place::duplicate:
      return {true, slot};
    case Place::late:
      source.window |= std::uint64_t{1} << (source.highest - event.seq - 1);
      ++counters_.events_late_total;
      source.missing -= event.seq > source.base ? 1 : 0;
      break;
    case Place::ahead:
      if (std::exchange(source.restored, false)) {
        source.base = event.seq;
        source.missing = 0;
        source.incarnation = ++incarnations_;
      } else {
        source.missing += event.seq - source.highest - 1;
        counters_.events_lost_total += event.seq - source.highest - 1;
      }
      move_window(source, event.seq);
      break;
    case Place::next:
      source.restored = false;
      move_window(source, event.seq);
      break;
    case Place::restarted:
      ++counters_.sources_restarted_total;
      source.restored = false;
      source.incarnation = ++incarnations_;
      [[fallthrough]];
    case Place::first:
      source.base = source.highest = event.seq;
      source.window = 0;
      source.missing = 0;
      break;
  }
  return {false, slot};
}

Slot Sources::find_slot(std::string_view name, std::uint64_t hash) const {
  return by_name_.find(hash, [&](Slot slot) { return same_name(slots_[slot].name, name); });
}

const Source* Sources::find(std::string_view name) const {
  const Slot slot = find_slot(name, hash_of(name));
  return slot == no_slot ? nullptr : &slots_[slot];
}

const Source* Sources::find(const SourceMark& mark, Instant now) const {
  // The file may know of a run, and not of its source yet.
  if (mark.slot >= slots_.end() || slots_[mark.slot].incarnation != mark.incarnation) {
    return nullptr;
  }
  const Source& source = slots_[mark.slot];
  return now - source.heard > source_kept_ms ? nullptr : &source;
}

SourceMark Sources::mark(Slot slot, std::uint64_t seq) const {
  const Source& source = slots_[slot];
  return {slot, source.incarnation, seq, source.missing - unseen_above(source, seq)};
}

std::uint64_t Sources::missing_after(const SourceMark& mark, Instant now) const {
  const Source* source = find(mark, now);
  // In the file a run may be ahead of its source.
  if (source == nullptr || source->highest <= mark.seq) {
    return 0;
  }
  if (source->highest - mark.seq <= window_size) {
    return unseen_above(*source, mark.seq);
  }
  return source->missing - std::min(source->missing, mark.missing);
}

Slot Sources::add(std::string_view name, std::uint64_t hash, Instant now) {
  if (size() >= sources_max) {
    forget_oldest();
    ++counters_.sources_evicted_total;
  }
  const Slot slot = slots_.take();
  Source& source = slots_[slot];
  source.name = name;
  source.incarnation = ++incarnations_;
  source.heard = now;
  by_name_.insert(hash, slot);
  queue(slot);
  return slot;
}

void Sources::forget(Slot slot) {
  by_name_.erase(hash_of(slots_[slot].name), slot);
  by_heard_.remove(slot);
  slots_.give_back(slot);
  changed_.add(slot);
}

void Sources::restore(Slot slot, const Source& source) {
  Source& record = slots_.claim(slot) = source;
  record.restored = true;
  by_name_.insert(hash_of(record.name), slot);
  queue(slot);
}

void Sources::resume(std::uint32_t incarnations) {
  incarnations_ = incarnations;
  slots_.settle([&](Slot slot) { return slots_[slot].name.empty(); });
}

void Sources::queue(Slot slot) {
  by_heard_.set(slot, slots_[slot].heard, slots_[slot].incarnation);
}

// Each entry that is looked at in vain was heard since, so that it costs that event little.
void Sources::forget_oldest() {
  while (by_heard_.top().due != slots_[by_heard_.top().slot].heard) {
    queue(by_heard_.top().slot);
  }
  forget(by_heard_.top().slot);
}

void Sources::expire(Instant now, std::size_t limit) {
  for (; limit > 0 && !by_heard_.empty(); --limit) {
    const DeadlineQueue::Entry oldest = by_heard_.top();
    const bool old = now - oldest.due > source_kept_ms;
    if (!old && size() < nearly_full) {
      return;
    }
    if (oldest.due != slots_[oldest.slot].heard) {
      queue(oldest.slot);
    } else if (old) {
      forget(oldest.slot);
    } else {
      return;
    }
  }
}

}  // namespace heartbeat::core
