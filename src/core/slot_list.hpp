// A list of places, oldest first, in which each stands at most once. The links are kept apart from
// the records, eight bytes a place: a move in the list touches neighbours, and not their records.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "core/run.hpp"

namespace heartbeat::core {

class SlotList {
 public:
  // no_slot where there is none.
  Slot oldest() const { return oldest_; }
  // REQUIRES: the place is in the list.
  Slot newer(Slot slot) const { return at(slot).newer; }
  std::size_t size() const { return size_; }

  // REQUIRES: the place is not in the list.
  void append(Slot slot) {
    claim(slot) = {no_slot, newest_};
    (newest_ == no_slot ? oldest_ : at(newest_).newer) = slot;
    newest_ = slot;
    ++size_;
  }
  // REQUIRES: the place is in the list.
  void remove(Slot slot) {
    const Links links = at(slot);
    (links.older == no_slot ? oldest_ : at(links.older).newer) = links.newer;
    (links.newer == no_slot ? newest_ : at(links.newer).older) = links.older;
    --size_;
  }

 private:
  struct Links {
    Slot newer = no_slot;
    Slot older = no_slot;
  };
  static constexpr Slot chunk_size = 1'024;
  using Chunk = std::array<Links, chunk_size>;

  Links& at(Slot slot) { return (*chunks_[slot / chunk_size])[slot % chunk_size]; }
  const Links& at(Slot slot) const { return (*chunks_[slot / chunk_size])[slot % chunk_size]; }
  // A list of few places costs little, wherever they are.
  Links& claim(Slot slot) {
    if (slot / chunk_size >= chunks_.size()) {
      chunks_.resize(slot / chunk_size + 1);
    }
    std::unique_ptr<Chunk>& chunk = chunks_[slot / chunk_size];
    if (!chunk) {
      chunk = std::make_unique<Chunk>();
    }
    return at(slot);
  }

  std::vector<std::unique_ptr<Chunk>> chunks_;
  Slot oldest_ = no_slot;
  Slot newest_ = no_slot;
  std::size_t size_ = 0;
};

}  // namespace heartbeat::core
