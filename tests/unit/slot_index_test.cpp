#include "core/slot_index.hpp"

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "core/hash.hpp"
#include "support/catch.hpp"

namespace heartbeat::core {
namespace {

// Few hashes, so that entries collide, and some that lie at the very end, where probing wraps.
std::uint64_t hash_for(Slot slot) {
  return slot % 3 == 0 ? 0xFFFF'FFFFu - slot % 2 : std::uint64_t{slot % 50} << 26;
}

}  // namespace

TEST_CASE("the index agrees with a map however entries come and go, where many have one hash") {
  const std::uint64_t seed = 20'261'126;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  SlotIndex index;
  std::map<Slot, std::uint64_t> model;
  for (int step = 0; step < 20'000; ++step) {
    const Slot slot = static_cast<Slot>(random() % 300);
    if (model.contains(slot)) {
      index.erase(hash_for(slot), slot);
      model.erase(slot);
    } else {
      index.insert(hash_for(slot), slot);
      model[slot] = hash_for(slot);
    }
    const Slot any = static_cast<Slot>(random() % 300);
    const auto is_that = [&](Slot candidate) { return candidate == any; };
    REQUIRE(index.find(hash_for(any), is_that) == (model.contains(any) ? any : no_slot));
  }
  for (Slot slot = 0; slot < 300; ++slot) {
    const auto is_that = [&](Slot candidate) { return candidate == slot; };
    REQUIRE(index.find(hash_for(slot), is_that) == (model.contains(slot) ? slot : no_slot));
  }
}

TEST_CASE("names that differ in one byte, or in where it stands, have hashes that differ") {
  std::map<std::uint64_t, std::string> seen;
  for (std::size_t size = 0; size <= 40; ++size) {
    std::vector<std::string> names{std::string(size, 'a')};
    for (std::size_t at = 0; at < size; ++at) {
      names.push_back(names.front());
      names.back()[at] = 'b';
    }
    for (const std::string& name : names) {
      CAPTURE(name);
      REQUIRE(seen.emplace(hash_of(name), name).second);
    }
  }
  REQUIRE(hash_of("a", "b") != hash_of("b", "a"));
  // A first word that makes a factor zero.
  const std::uint64_t zero = 0xA0761D6478BD642Fu ^ (16 * 0x9E3779B97F4A7C15u);
  const std::string swallowing(reinterpret_cast<const char*>(&zero), sizeof zero);
  REQUIRE(hash_of(swallowing + "12345678") != hash_of(swallowing + "87654321"));
  REQUIRE(hash_of("ab", "") != hash_of("a", "b"));
}

TEST_CASE("names are the same only where each byte is") {
  for (std::size_t size = 0; size <= 40; ++size) {
    const std::string name(size, 'a');
    CAPTURE(size);
    REQUIRE(same_name(name, std::string(name)));
    REQUIRE_FALSE(same_name(name, name + "a"));
    for (std::size_t at = 0; at < size; ++at) {
      CAPTURE(at);
      std::string other = name;
      other[at] = 'b';
      REQUIRE_FALSE(same_name(name, other));
    }
  }
}

}  // namespace heartbeat::core
