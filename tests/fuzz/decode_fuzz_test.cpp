// The decoder on bytes that nobody meant: msgpack-c's parser says what is well-formed.
#include <cstdint>
#include <cstdlib>
#include <msgpack.hpp>
#include <random>
#include <string>

#include "support/catch.hpp"
#include "wire/decode.hpp"
#include "wire/encode.hpp"

using namespace heartbeat;

namespace {

std::uint64_t seed() {
  const char* given = std::getenv("HEARTBEAT_SEED");
  return given == nullptr ? 20'261'124 : std::strtoull(given, nullptr, 10);
}

// Counts containers within containers.
struct Depth : msgpack::null_visitor {
  int depth = 0;
  int deepest = 0;
  bool start_array(std::uint32_t) { return enter(); }
  bool end_array() { return leave(); }
  bool start_map(std::uint32_t) { return enter(); }
  bool end_map() { return leave(); }
  bool enter() {
    deepest = std::max(deepest, ++depth);
    return true;
  }
  bool leave() {
    --depth;
    return true;
  }
};

bool oracle_accepts(const std::string& bytes) {
  Depth visitor;
  std::size_t offset = 0;
  return msgpack::parse(bytes.data(), bytes.size(), offset, visitor) && offset == bytes.size() &&
         visitor.deepest <= nesting_max;
}

bool reader_accepts(const std::string& bytes) {
  wire::Reader reader{bytes};
  wire::Token token;
  return reader.next(token) && reader.skip(token, nesting_max) && reader.at_end();
}

std::string typical() {
  Event event;
  event.kind = EventKind::activity;
  event.agent_id = "agent-1";
  event.run_id = "r";
  event.phase = "tool:web_search";
  event.progress = 70'000;
  event.stale_after_ms = Duration{600'000};
  event.source = "0123456789abcdef";
  event.seq = 300;
  std::string bytes;
  wire::encode_batch(std::vector<Event>{event, event}, bytes);
  return bytes;
}

void mutate(std::string& bytes, std::mt19937_64& random) {
  const auto at = [&] { return static_cast<std::size_t>(random() % bytes.size()); };
  for (std::uint64_t edits = random() % 4; !bytes.empty() && edits > 0; --edits) {
    switch (random() % 3) {
      case 0:
        bytes[at()] = static_cast<char>(random());
        break;
      case 1:
        bytes.erase(at(), 1 + random() % 4);
        break;
      default:
        bytes.insert(at(), 1, static_cast<char>(random()));
        break;
    }
  }
}

std::string noise(std::mt19937_64& random) {
  std::string bytes(random() % 40, '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(random());
  }
  return bytes;
}

}  // namespace

TEST_CASE(
    "the reader accepts exactly what msgpack-c accepts, and no event survives malformed bytes") {
  CAPTURE(seed());
  std::mt19937_64 random{seed()};
  wire::EventDecoder decoder;
  std::size_t accepted = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string bytes = round % 2 == 0 ? typical() : noise(random);
    mutate(bytes, random);
    CAPTURE(round);
    const bool well_formed = oracle_accepts(bytes);
    REQUIRE(reader_accepts(bytes) == well_formed);
    accepted += well_formed ? 1 : 0;
    const auto events = decoder.decode(bytes);
    REQUIRE_FALSE(events.empty());
    if (!well_formed) {
      REQUIRE(events.size() == 1);
      REQUIRE(events.front().rejected == Rejection::malformed);
    }
    for (const Event& event : events) {
      REQUIRE((event.rejected || !event.agent_id.empty()));
    }
  }
  REQUIRE(accepted > 1'000);
}

TEST_CASE("a length of four gigabytes in five bytes is malformed, and costs nothing") {
  for (const char* head : {"\xdb", "\xc6", "\xdd", "\xdf"}) {
    const std::string bytes = head + std::string(4, '\xff');
    REQUIRE_FALSE(reader_accepts(bytes));
  }
}
