// A list of records of a slab, linked by their members `newer` and `older`. A record is in one such
// list at a time.
#pragma once

#include <cstddef>

#include "core/run.hpp"
#include "core/slab.hpp"

namespace heartbeat::core {

template <class Record>
class SlotList {
 public:
  // `records` must outlive this.
  explicit SlotList(Slab<Record>& records) : records_(records) {}

  // no_slot where the list is empty.
  Slot oldest() const { return oldest_; }
  Slot newest() const { return newest_; }
  std::size_t size() const { return size_; }

  // REQUIRES: the record is in no list.
  void append(Slot slot) {
    records_[slot].older = newest_;
    records_[slot].newer = no_slot;
    (newest_ == no_slot ? oldest_ : records_[newest_].newer) = slot;
    newest_ = slot;
    ++size_;
  }
  // REQUIRES: the record is in this list.
  void remove(Slot slot) {
    const Record& record = records_[slot];
    (record.older == no_slot ? oldest_ : records_[record.older].newer) = record.newer;
    (record.newer == no_slot ? newest_ : records_[record.newer].older) = record.older;
    --size_;
  }

 private:
  Slab<Record>& records_;
  Slot oldest_ = no_slot;
  Slot newest_ = no_slot;
  std::size_t size_ = 0;
};

}  // namespace heartbeat::core
