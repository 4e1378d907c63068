// Sequence numbers of each sender: what arrived twice, late, or never.
//
// For each source: the highest seq, and a window of the 64 before it, one bit each. The first seq
// seen sets the base and counts no loss.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/changed_slots.hpp"
#include "core/counters.hpp"
#include "core/deadlines.hpp"
#include "core/run.hpp"
#include "core/slab.hpp"
#include "core/slot_index.hpp"
#include "heartbeat/event.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::core {

struct Source {
  std::string name;
  std::uint64_t highest = 0;
  std::uint64_t window = 0;    // bit i: highest − 1 − i was seen
  std::uint64_t base = 0;      // the first seq seen; what was before it is not missed
  std::uint64_t missing = 0;   // from base to highest, not seen
  std::uint64_t rejected = 0;  // of its events
  std::uint32_t incarnation = 0;
  bool restored = false;                   // what came while nobody read is not known to be lost
  std::optional<Rejection> rejected_last;  // why the last of those was; a restart forgets it
  Instant heard;
};

// What became of an event's source and seq.
struct Sequence {
  bool duplicate = false;
  Slot slot = no_slot;  // no_slot: the event names no source, or no seq
};

class Sources {
 public:
  explicit Sources(Counters& counters) : counters_(counters) {}
  Sources(const Sources&) = delete;
  Sources& operator=(const Sources&) = delete;

  // `hash` is that of event.source, `likely` where its record may be found, or no_slot. REQUIRES:
  // `now` never decreases.
  Sequence observe(const Event& event, std::uint64_t hash, Slot likely, Instant now);

  // These ask for memory that observe() will need, one after the other: the entry in the index, and
  // the record that it likely leads to.
  void prefetch(std::uint64_t hash) const { by_name_.prefetch(hash); }
  Slot prefetch_likely(std::uint64_t hash) const;

  // An event whose sequence was observed is rejected after all. REQUIRES: just observed.
  void note_rejected(const Sequence& sequence, Rejection reason) {
    if (sequence.slot != no_slot) {
      ++slots_[sequence.slot].rejected;
      slots_[sequence.slot].rejected_last = reason;
    }
  }

  ChangedSlots& changed() { return changed_; }
  const Source* at(Slot slot) const {
    return slot < slots_.end() && !slots_[slot].name.empty() ? &slots_[slot] : nullptr;
  }
  std::uint32_t incarnations() const { return incarnations_; }
  // As they were: each at its place, then resume().
  void restore(Slot slot, const Source& source);
  void resume(std::uint32_t incarnations);

  std::size_t size() const { return slots_.taken(); }
  // nullptr if it was never heard of, or forgotten.
  const Source* find(std::string_view name) const;
  const Source& operator[](Slot slot) const { return slots_[slot]; }
  // What a run keeps of an event of this source.
  SourceMark mark(Slot slot, std::uint64_t seq) const;
  // How many events above the mark's were not seen. Exact while the mark lies in the window; later
  // an event from before it that came late after it counts as one fewer.
  std::uint64_t missing_after(const SourceMark& mark, Instant now) const;
  // nullptr if that source was forgotten or began again since the mark was set, or is about to be
  // forgotten.
  const Source* find(const SourceMark& mark, Instant now) const;
  // Forgets those not heard from for too long, and keeps the oldest at hand where one will soon
  // have to go. Looks at no more than `limit`.
  void expire(Instant now, std::size_t limit);

 private:
  Slot find_slot(std::string_view name, std::uint64_t hash) const;
  Slot add(std::string_view name, std::uint64_t hash, Instant now);
  void forget(Slot slot);
  void queue(Slot slot);
  // Of those heard in the same millisecond, the one that began first.
  void forget_oldest();

  Counters& counters_;
  Slab<Source> slots_;
  SlotIndex by_name_;
  DeadlineQueue by_heard_;  // an entry may be from before the source was last heard
  std::uint32_t incarnations_ = 0;
  ChangedSlots changed_;
};

}  // namespace heartbeat::core
