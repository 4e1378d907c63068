// The deadlines of all runs in flight, nearest first: a 4-ary heap that knows where each run's
// entry is, so that an entry can move. One entry a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/run.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::core {

class DeadlineQueue {
 public:
  struct Entry {
    Instant due;
    std::uint64_t order = 0;  // decides between equal deadlines
    Slot slot = no_slot;
  };

  static constexpr std::uint32_t children = 4;

  // The order of entries.
  static bool before(const Entry& a, const Entry& b);

  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  // REQUIRES: not empty.
  const Entry& top() const { return heap_.front(); }
  // All entries, level by level, each before its `children`: the nearest deadlines roughly first.
  const std::vector<Entry>& entries() const { return heap_; }

  // Room for so many, so that growing never copies all entries in the middle of a turn. Memory
  // that is not used yet costs address space only.
  void reserve(std::size_t entries);
  // Adds the entry of `slot`, or moves it.
  void set(Slot slot, Instant due, std::uint64_t order);
  // REQUIRES: `slot` has an entry.
  void remove(Slot slot);

 private:
  static constexpr std::uint32_t absent = UINT32_MAX;
  void place(std::uint32_t index, const Entry& entry);
  void sift_up(std::uint32_t index, const Entry& entry);
  void sift_down(std::uint32_t index, const Entry& entry);

  std::vector<Entry> heap_;
  std::vector<std::uint32_t> index_of_;  // by slot
};

}  // namespace heartbeat::core
