// The decoder on bytes that nobody meant: msgpack-c's parser says what is well-formed.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <msgpack.hpp>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "support/catch.hpp"
#include "wire/decode.hpp"
#include "wire/encode.hpp"

using namespace heartbeat;

namespace {

std::uint64_t seed() {
  const char* given = std::getenv("HEARTBEAT_SEED");
  const std::uint64_t seed =
      given == nullptr ? std::random_device{}() : std::strtoull(given, nullptr, 10);
  std::cout << "HEARTBEAT_SEED=" << seed << std::endl;
  return seed;
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

// Values within the bounds of their fields, most of them near an end, where forms change.
class RandomEvent {
 public:
  explicit RandomEvent(std::mt19937_64& random) : random_(random) {}
  Event next() {
    Event event;
    texts_.clear();
    texts_.reserve(std::tuple_size_v<decltype(Message<Event>::fields)>);
    std::apply([&](const auto&... field) { (fill(event.*field.member, field), ...); },
               Message<Event>::fields);
    event.seq = event.source.empty() ? 0 : event.seq;
    return event;
  }

 private:
  std::uint64_t number(const Bounds& bounds) {
    const std::uint64_t span = bounds.max - bounds.min;
    const std::uint64_t away = random_() >> (random_() % 64);
    const std::uint64_t offset = span == ~std::uint64_t{0} ? away : away % (span + 1);
    return random_() % 2 == 0 ? bounds.min + offset : bounds.max - offset;
  }
  void fill(EventKind& member, const auto&) { member = static_cast<EventKind>(random_() % 4); }
  void fill(std::string_view& member, const auto& field) {
    std::string& text = texts_.emplace_back();
    const std::uint64_t size = number(field.bounds);
    while (text.size() + 4 <= size) {
      static constexpr std::array<const char*, 6> pieces{
          "a", "~", " ", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x92\x93"};
      text += pieces[random_() % pieces.size()];
    }
    text.resize(size, 'z');
    member = text;
  }
  void fill(std::uint64_t& member, const auto& field) { member = number(field.bounds); }
  void fill(Duration& member, const auto& field) {
    member = Duration{static_cast<std::int64_t>(number(field.bounds))};
  }
  void fill(WallTime& member, const auto&) {
    member = WallTime{Duration{static_cast<std::int64_t>(random_() >> 1)}};
  }
  template <class T>
  void fill(std::optional<T>& member, const auto& field) {
    if (random_() % 2 == 0) {
      fill(member.emplace(), field);
    }
  }

  std::mt19937_64& random_;
  std::vector<std::string> texts_;
};

bool same(const Event& one, const Event& other) {
  return std::apply(
      [&](const auto&... field) { return ((one.*field.member == other.*field.member) && ...); },
      Message<Event>::fields);
}

}  // namespace

TEST_CASE("every event that can be sent comes back as it was") {
  std::mt19937_64 random{seed()};
  RandomEvent events{random};
  wire::EventDecoder decoder;
  for (int round = 0; round < 50'000; ++round) {
    CAPTURE(round);
    const Event event = events.next();
    std::string bytes;
    wire::encode(event, bytes);
    decoder.clear();
    const auto decoded = decoder.decode(bytes);
    REQUIRE(decoded.size() == 1);
    REQUIRE_FALSE(decoded.front().rejected);
    REQUIRE(same(decoded.front(), event));
  }
}

TEST_CASE("requests and replies that nobody meant are problems, never a crash") {
  std::mt19937_64 random{seed()};
  StatusReply status;
  status.monitor.agents = {"a", "b"};
  status.in_flight_agents.resize(2);
  std::string reply;
  wire::encode_reply(status, reply);
  std::string request;
  wire::encode_request(AgentsRequest{5, "17", "stale", "dev-*"}, request);
  for (int round = 0; round < 50'000; ++round) {
    CAPTURE(round);
    std::string bytes = round % 2 == 0 ? reply : request;
    mutate(bytes, random);
    const bool well_formed = oracle_accepts(bytes);
    const auto decoded = wire::decode_reply<StatusReply>(bytes);
    REQUIRE((well_formed || std::holds_alternative<wire::Problem>(decoded)));
    std::string cmd;
    const auto no_command = wire::decode_command(bytes, cmd);
    REQUIRE((well_formed || (no_command && no_command->code == "malformed")));
    if (no_command) {
      continue;
    }
    AgentsRequest arguments;
    if (const auto problem = wire::decode_fields(bytes, arguments)) {
      REQUIRE(problem->code == "bad_argument");
      REQUIRE(wire::is_clean_text(problem->message));
    }
  }
}

TEST_CASE(
    "the reader accepts exactly what msgpack-c accepts, and no event survives malformed bytes") {
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
    decoder.clear();
    const auto events = decoder.decode(bytes);
    REQUIRE_FALSE(events.empty());
    if (!well_formed) {
      REQUIRE(events.size() == 1);
      REQUIRE(events.front().rejected == Rejection::malformed);
    }
    const auto first = static_cast<unsigned char>(bytes.empty() ? 0xc1 : bytes.front());
    if (well_formed && (first & 0xf0U) == 0x80) {  // a map
      REQUIRE(events.size() == 1);
      REQUIRE(events.front().rejected != Rejection::malformed);
    } else if (well_formed && (first & 0xf0U) == 0x90 && first != 0x90) {  // a batch
      REQUIRE(events.size() == (first & 0x0fU));
    }
    for (const Event& event : events) {
      REQUIRE((event.rejected || !event.agent_id.empty()));
    }
  }
  REQUIRE(accepted > 1'000);
}

TEST_CASE("a length of four gigabytes in five bytes is malformed") {
  for (const char* head : {"\xdb", "\xc6", "\xdd", "\xdf"}) {
    const std::string bytes = head + std::string(4, '\xff');
    REQUIRE_FALSE(reader_accepts(bytes));
  }
}
