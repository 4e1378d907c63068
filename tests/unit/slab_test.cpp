#include "core/slab.hpp"

#include <cstdint>
#include <string>

#include "support/catch.hpp"

namespace heartbeat::core {

TEST_CASE("places are numbered from 0 and records never move") {
  Slab<std::string> slab;
  const std::uint32_t first = slab.take();
  REQUIRE(first == 0);
  slab[first] = "pm";
  const std::string* record = &slab[first];
  for (std::uint32_t slot = 1; slot < 5'000; ++slot) {
    REQUIRE(slab.take() == slot);
  }
  REQUIRE(&slab[first] == record);
  REQUIRE(*record == "pm");
  REQUIRE(slab.end() == 5'000);
  REQUIRE(slab.taken() == 5'000);
}

TEST_CASE("a place that was given back is used again first, and is as new") {
  Slab<std::string> slab;
  slab.take();
  const std::uint32_t slot = slab.take();
  slab.take();
  slab[slot] = "old";
  slab.give_back(slot);
  REQUIRE(slab.taken() == 2);
  REQUIRE(slab.take() == slot);
  REQUIRE(slab[slot].empty());
  REQUIRE(slab.end() == 3);
}

}  // namespace heartbeat::core
