// Records in numbered places that never move. Grows a chunk at a time, so that no turn pays for
// copying everything; a place that was given back is used again first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace heartbeat::core {

template <class Record>
class Slab {
 public:
  // Takes a place; its record is as new.
  std::uint32_t take() {
    if (!free_.empty()) {
      const std::uint32_t slot = free_.back();
      free_.pop_back();
      return slot;
    }
    if (end_ % chunk_size == 0) {
      chunks_.push_back(std::make_unique<Chunk>());
    }
    return end_++;
  }
  // REQUIRES: `slot` is taken.
  void give_back(std::uint32_t slot) {
    (*this)[slot] = Record{};
    free_.push_back(slot);
  }

  // Takes this very place; its record is as new. Several calls, then settle().
  Record& claim(std::uint32_t slot) {
    for (; end_ <= slot; ++end_) {
      if (end_ % chunk_size == 0) {
        chunks_.push_back(std::make_unique<Chunk>());
      }
    }
    return (*this)[slot];
  }
  // After claim(): the places for which `is_free(slot)` holds are there to be taken, low ones
  // first.
  template <class IsFree>
  void settle(const IsFree& is_free) {
    for (std::uint32_t slot = end_; slot-- > 0;) {
      if (is_free(slot)) {
        free_.push_back(slot);
      }
    }
  }

  Record& operator[](std::uint32_t slot) {
    return (*chunks_[slot / chunk_size])[slot % chunk_size];
  }
  const Record& operator[](std::uint32_t slot) const {
    return (*chunks_[slot / chunk_size])[slot % chunk_size];
  }

  void prefetch(std::uint32_t slot) const {
    const char* record = reinterpret_cast<const char*>(&(*this)[slot]);
    for (std::size_t line = 0; line < sizeof(Record); line += 64) {
      __builtin_prefetch(record + line, 1);
    }
  }

  // One past the highest place ever taken.
  std::uint32_t end() const { return end_; }
  std::size_t taken() const { return end_ - free_.size(); }

 private:
  static constexpr std::uint32_t chunk_size = 1024;
  // From the beginning of a cache line, so that a record spans no more of them than it must.
  struct alignas(64) Chunk : std::array<Record, chunk_size> {};

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::vector<std::uint32_t> free_;
  std::uint32_t end_ = 0;
};

}  // namespace heartbeat::core
