// From a 64-bit hash to the place of a record; the caller compares the key in the record itself.
//
// Entries of eight bytes, probed one after the other: a look-up nearly always reads one cache line.
// Split into shards that grow one by one, and by little: a table of a million entries that doubles
// at once would hold up the loop for tens of milliseconds. An erased entry leaves no debris behind,
// so a steady coming and going never forces a clean-up either.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/check.hpp"
#include "core/run.hpp"

namespace heartbeat::core {

class SlotIndex {
 public:
  // The place of the entry with this hash for which `matches(slot)` holds, or no_slot.
  template <class Matches>
  Slot find(std::uint64_t hash, const Matches& matches) const {
    const Shard& shard = shards_[shard_of(hash)];
    if (shard.entries.empty()) {
      return no_slot;
    }
    std::size_t at = shard.home(low(hash));
    for (; shard.entries[at].slot != no_slot; at = shard.behind(at)) {
      if (shard.entries[at].hash == low(hash) && matches(shard.entries[at].slot)) {
        return shard.entries[at].slot;
      }
    }
    return no_slot;
  }
  // The place that find() returns nearly always: the hash decides, no record is read.
  Slot likely(std::uint64_t hash) const {
    return find(hash, [](Slot) { return true; });
  }
  // Asks for the memory that find() will need first.
  void prefetch(std::uint64_t hash) const {
    const Shard& shard = shards_[shard_of(hash)];
    __builtin_prefetch(shard.entries.data() + shard.home(low(hash)));
  }
  // REQUIRES: the slot is not there.
  void insert(std::uint64_t hash, Slot slot) {
    Shard& shard = shards_[shard_of(hash)];
    if ((shard.size + 1) * 5 > shard.entries.size() * 4) {
      grow(shard);
    }
    ++shard.size;
    shard.put({low(hash), slot});
  }
  // REQUIRES: it is there.
  void erase(std::uint64_t hash, Slot slot) {
    Shard& shard = shards_[shard_of(hash)];
    check(shard.size > 0);
    std::size_t hole = shard.home(low(hash));
    for (; shard.entries[hole].slot != slot; hole = shard.behind(hole)) {
      check(shard.entries[hole].slot != no_slot);
    }
    --shard.size;
    shard.close(hole);
  }

 private:
  struct Entry {
    std::uint32_t hash = 0;
    Slot slot = no_slot;  // no_slot: free
  };
  struct Shard {
    std::vector<Entry> entries;  // never full once there are any
    std::size_t size = 0;

    std::size_t home(std::uint32_t hash) const {
      return static_cast<std::size_t>(std::uint64_t{hash} * entries.size() >> 32);
    }
    std::size_t behind(std::size_t at) const { return at + 1 == entries.size() ? 0 : at + 1; }
    std::size_t distance(std::size_t from, std::size_t to) const {
      return to >= from ? to - from : to + entries.size() - from;
    }
    void put(const Entry& entry) {
      std::size_t at = home(entry.hash);
      while (entries[at].slot != no_slot) {
        at = behind(at);
      }
      entries[at] = entry;
    }
    // Moves up those behind the hole that are not at home there.
    void close(std::size_t hole) {
      for (std::size_t at = behind(hole); entries[at].slot != no_slot; at = behind(at)) {
        if (distance(home(entries[at].hash), at) >= distance(hole, at)) {
          entries[hole] = entries[at];
          hole = at;
        }
      }
      entries[hole] = {};
    }
  };

  static void grow(Shard& shard) {
    std::vector<Entry> old(shard.entries.size() + shard.entries.size() / 4 + 8);
    old.swap(shard.entries);
    for (const Entry& entry : old) {
      if (entry.slot != no_slot) {
        shard.put(entry);
      }
    }
  }

  static constexpr std::size_t shard_bits = 6;
  static std::size_t shard_of(std::uint64_t hash) { return hash >> (64 - shard_bits); }
  static std::uint32_t low(std::uint64_t hash) { return static_cast<std::uint32_t>(hash); }

  std::array<Shard, std::size_t{1} << shard_bits> shards_;
};

}  // namespace heartbeat::core
