#include "core/texts.hpp"

#include <array>
#include <cstdint>
#include <random>
#include <string>

#include "support/catch.hpp"

namespace heartbeat::core {

TEST_CASE("a run's strings are empty until they are set") {
  const Texts texts;
  for (std::size_t which = 0; which < text_count; ++which) {
    REQUIRE(texts.get(static_cast<Text>(which)).empty());
  }
}

TEST_CASE("each of a run's strings keeps its value while others grow and shrink") {
  const std::uint64_t seed = 20'261'124;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  Texts texts;
  std::array<std::string, text_count> model;
  for (int step = 0; step < 5'000; ++step) {
    const std::size_t which = random() % text_count;
    model[which] = std::string(random() % 520, static_cast<char>('a' + random() % 26));
    texts.set(static_cast<Text>(which), model[which]);
    for (std::size_t each = 0; each < text_count; ++each) {
      REQUIRE(texts.get(static_cast<Text>(each)) == model[each]);
    }
  }
}

TEST_CASE("a string of no greater total length stays in the same block") {
  Texts texts;
  texts.set(Text::agent_id, "pm");
  texts.set(Text::detail, "searching");
  const char* block = texts.get(Text::agent_id).data();
  texts.set(Text::detail, "");
  texts.set(Text::detail, "writing");
  REQUIRE(texts.get(Text::agent_id).data() == block);
  REQUIRE(texts.get(Text::detail) == "writing");
}

}  // namespace heartbeat::core
