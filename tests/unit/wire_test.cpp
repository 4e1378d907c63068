// Events as they come in: every reason for a rejection, and which of several counts.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "heartbeat/event.hpp"
#include "support/catch.hpp"
#include "support/pack.hpp"
#include "wire/decode.hpp"
#include "wire/encode.hpp"

using namespace heartbeat;
using pack::binary;
using pack::flag;
using pack::list;
using pack::map;
using pack::negative;
using pack::nested;
using pack::nil;
using pack::number;
using pack::real;
using pack::text;

namespace {

struct Case {
  std::string what;
  std::string bytes;
};

// A good event and what comes behind it: of a key that appears twice the last counts.
std::string event(const std::vector<std::pair<std::string, std::string>>& more = {}) {
  pack::Pairs pairs{
      {text("v"), number(1)}, {text("kind"), text("activity")}, {text("agent_id"), text("a")}};
  for (const auto& [key, value] : more) {
    pairs.emplace_back(text(key), value);
  }
  return map(pairs);
}

std::string with_key(const std::string& packed_key) {
  return map({{text("v"), number(1)},
              {text("kind"), text("idle")},
              {text("agent_id"), text("a")},
              {packed_key, number(1)}});
}

std::string reason(const std::optional<Rejection>& rejected) {
  return rejected ? std::string{name(*rejected)} : "accepted";
}

void require_each(Rejection expected, const std::vector<Case>& cases) {
  wire::EventDecoder decoder;
  for (const auto& [what, bytes] : cases) {
    INFO(what);
    const auto events = decoder.decode(bytes);
    REQUIRE(events.size() == 1);
    REQUIRE(reason(events.front().rejected) == name(expected));
  }
}

Event accepted(const std::string& bytes) {
  wire::EventDecoder decoder;
  const auto events = decoder.decode(bytes);
  REQUIRE(events.size() == 1);
  REQUIRE(reason(events.front().rejected) == "accepted");
  return events.front();
}

const std::string half_surrogate = "\xed\xa0\x80";

}  // namespace

TEST_CASE("messages can be decoded one behind the other, each with its own faults") {
  const std::string first = list({event(), event({{"agent_id", text("b")}})});
  const std::string cut = first.substr(0, first.size() - 1);
  const std::string second = event({{"agent_id", text("c")}});
  wire::EventDecoder decoder;
  CHECK(decoder.decode(first).size() == 2);
  const auto broken = decoder.decode(cut);
  REQUIRE(broken.size() == 1);
  CHECK(broken.front().rejected == Rejection::malformed);
  CHECK(decoder.decode(second).size() == 1);
  std::string seen;
  for (const Event& event : decoder.all()) {
    seen += event.rejected ? "-" : event.agent_id;
  }
  CHECK(seen == "ab-c");
  decoder.clear();
  CHECK(decoder.all().empty());
}

TEST_CASE("a message that is not one map or batch of well-formed MessagePack is malformed") {
  require_each(Rejection::malformed,
               {{"nothing", ""},
                {"a byte that is never used", "\xc1"},
                {"cut off", event().substr(0, event().size() - 1)},
                {"a byte behind", event() + nil()},
                {"two events without a batch", event() + event()},
                {"a number", number(7)},
                {"a string", text("event")},
                {"nil", nil()},
                {"an empty batch", list({})},
                {"nine containers deep", event({{"x", nested(8)}})},
                {"nine deep in a batch", list({event({{"x", nested(7)}})})},
                {"nine deep in a key", map({{nested(8), number(1)}})},
                {"nine deep beside an element that is no map", list({nested(8)})},
                {"a thousand deep", nested(1'000)},
                {"a batch that breaks off", "\x92" + event()},
                {"a broken second element", "\x92" + event() + "\xc1"},
                {"a long batch that breaks off", "\xdc\x04\x01" + event()},
                {"a string longer than the message", "\x81\xa1x\xdb\xff\xff\xff\xff"},
                {"a batch longer than the message", "\xdd\xff\xff\xff\xff"}});
}

TEST_CASE("an event in a batch may nest as deep as the message may") {
  wire::EventDecoder decoder;
  // The batch, the event, and what it holds.
  const std::string deepest = list({event({{"x", nested(6)}}), event()});
  REQUIRE(decoder.decode(deepest).size() == 2);
  REQUIRE_FALSE(decoder.decode(deepest).front().rejected);
  require_each(Rejection::malformed, {{"deeper", list({event({{"x", nested(7)}}), event()})}});
}

TEST_CASE("a batch of more than 1,024 is too long, whatever is in it") {
  require_each(Rejection::batch_too_long,
               {{"good events", list(std::vector<std::string>(1'025, event()))},
                {"numbers", list(std::vector<std::string>(1'025, number(1)))}});
  const std::string longest = list(std::vector<std::string>(1'024, event()));
  wire::EventDecoder decoder;
  REQUIRE(decoder.decode(longest).size() == 1'024);
}

TEST_CASE("v that is a number but not 1 is an unsupported version") {
  require_each(Rejection::unsupported_version, {{"2", event({{"v", number(2)}})},
                                                {"0", event({{"v", number(0)}})},
                                                {"-1", event({{"v", negative(-1)}})},
                                                {"1.5", event({{"v", real(1.5)}})},
                                                {"NaN", event({{"v", real(std::nan(""))}})}});
}

TEST_CASE("an absent v, kind or agent_id, or a seq without source, is a missing field") {
  require_each(Rejection::missing_field,
               {{"an empty map", map({})},
                {"v", map({{text("kind"), text("idle")}, {text("agent_id"), text("a")}})},
                {"kind", map({{text("v"), number(1)}, {text("agent_id"), text("a")}})},
                {"agent_id", map({{text("v"), number(1)}, {text("kind"), text("idle")}})},
                {"v is nil", event({{"v", nil()}})},
                {"kind is nil", event({{"kind", nil()}})},
                {"agent_id is nil", event({{"agent_id", nil()}})},
                {"seq without source", event({{"seq", number(1)}})},
                {"a bad seq without source", event({{"seq", text("one")}})},
                {"seq and a nil source", event({{"source", nil()}, {"seq", number(1)}})}});
}

TEST_CASE("a value or a key of another type is a bad type, in each field") {
  std::vector<Case> cases{{"v is a string", event({{"v", text("1")}})},
                          {"v is a list", event({{"v", list({number(1)})}})},
                          {"a number as key", with_key(number(7))},
                          {"nil as key", with_key(nil())},
                          {"binary as key", with_key(binary("kind"))},
                          {"a map as key", with_key(map({}))}};
  for (const char* key : {"kind", "agent_id", "run_id", "task_id", "agent_type", "phase", "detail",
                          "outcome", "source"}) {
    cases.push_back({key, event({{key, number(5)}})});
    cases.push_back({key, event({{key, binary("abc")}})});
    cases.push_back({key, event({{key, list({})}})});
    cases.push_back({key, event({{key, flag(true)}})});
  }
  for (const char* key : {"running_for_ms", "idle_for_ms", "stale_after_ms", "timeout_after_ms",
                          "progress", "seq", "sent_at"}) {
    cases.push_back({key, event({{"source", text("s")}, {key, text("5")}})});
    cases.push_back({key, event({{"source", text("s")}, {key, flag(true)}})});
    cases.push_back({key, event({{"source", text("s")}, {key, map({})}})});
  }
  require_each(Rejection::bad_type, cases);
}

TEST_CASE("a number out of its bounds and an empty name are bad values") {
  const std::string beyond = number(315'576'000'001);
  std::vector<Case> cases{{"agent_id", event({{"agent_id", text("")}})},
                          {"source", event({{"source", text("")}})},
                          {"seq 0", event({{"source", text("s")}, {"seq", number(0)}})},
                          {"seq", event({{"source", text("s")}, {"seq", number(seq_max + 1)}})},
                          {"stale_after_ms 0", event({{"stale_after_ms", number(0)}})},
                          {"timeout_after_ms 0", event({{"timeout_after_ms", real(0.0)}})},
                          {"beyond 64 bits", event({{"progress", real(1.8446744073709552e19)}})}};
  for (const char* key : {"running_for_ms", "idle_for_ms", "stale_after_ms", "timeout_after_ms",
                          "progress", "seq", "sent_at"}) {
    for (const std::string& value :
         {negative(-1), negative(-33), negative(-5'000'000'000), real(0.5), real(-2.0),
          real(std::nan("")), real(std::numeric_limits<double>::infinity())}) {
      cases.push_back({key, event({{"source", text("s")}, {key, value}})});
    }
  }
  for (const char* key : {"running_for_ms", "idle_for_ms", "stale_after_ms", "timeout_after_ms"}) {
    cases.push_back({key, event({{key, beyond}})});
  }
  require_each(Rejection::bad_value, cases);
}

TEST_CASE("a string may have as many bytes as the contract says, and not one more") {
  const std::vector<std::pair<std::string, std::size_t>> longest{
      {"agent_id", 128}, {"run_id", 128}, {"task_id", 128}, {"agent_type", 64},
      {"phase", 64},     {"detail", 512}, {"outcome", 64},  {"source", 64}};
  for (const auto& [key, bytes] : longest) {
    INFO(key);
    accepted(event({{key, text(std::string(bytes, 'x'))}}));
    require_each(Rejection::too_long, {{key, event({{key, text(std::string(bytes + 1, 'x'))}})}});
  }
}

TEST_CASE("text that is not UTF-8 or has control characters is bad UTF-8, wherever it stands") {
  for (const std::string& bad :
       {std::string("\x80"), std::string("\xc3"), std::string("\xc0\xaf"),
        std::string("\xe0\x80\x80"), std::string("\xf0\x80\x80\x80"), half_surrogate,
        std::string("\xed\xbf\xbf"), std::string("\xf4\x90\x80\x80"),
        std::string("\xf5\x80\x80\x80"), std::string("\xff"), std::string("\xe2\x82"),
        std::string(1, '\0'), std::string("\n"), std::string("\x1f"), std::string("\x7f")}) {
    for (std::size_t before = 0; before < 18; ++before) {
      for (const std::size_t behind : {0u, 1u, 8u}) {
        const std::string value = std::string(before, 'x') + bad + std::string(behind, 'x');
        require_each(Rejection::bad_utf8, {{value, event({{"detail", text(value)}})}});
      }
    }
  }
  for (const char* good :
       {"", " ~", "\xc2\x80", "\xe2\x82\xac", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf", "eight by\xc3\xa4 tes and more"}) {
    REQUIRE(accepted(event({{"detail", text(good)}})).detail == good);
  }
}

TEST_CASE("a kind that the contract does not know is an unknown kind") {
  require_each(Rejection::unknown_kind, {{"later", event({{"kind", text("rest")}})},
                                         {"case counts", event({{"kind", text("Register")}})},
                                         {"empty", event({{"kind", text("")}})}});
}

TEST_CASE("of two reasons the first in the contract's order counts, in either order of keys") {
  using Fault = std::pair<std::string, std::string>;
  const std::vector<std::pair<Rejection, Fault>> faults{
      {Rejection::unsupported_version, {"v", number(2)}},
      {Rejection::missing_field, {"agent_id", nil()}},
      {Rejection::bad_type, {"run_id", number(1)}},
      {Rejection::bad_value, {"source", text("")}},
      {Rejection::too_long, {"phase", text(std::string(65, 'x'))}},
      {Rejection::bad_utf8, {"detail", text("\n")}},
      {Rejection::unknown_kind, {"kind", text("rest")}}};
  for (std::size_t first = 0; first < faults.size(); ++first) {
    for (std::size_t second = first + 1; second < faults.size(); ++second) {
      const auto& [expected, one] = faults[first];
      const auto& [other, two] = faults[second];
      INFO(name(expected) << " and " << name(other));
      require_each(expected, {{"in order", event({one, two})}, {"reversed", event({two, one})}});
    }
  }
  require_each(Rejection::too_long,
               {{"too long and no UTF-8", event({{"phase", text(std::string(65, '\n'))}})}});
}

TEST_CASE("known keys are checked in kinds that do not list them") {
  require_each(Rejection::bad_value,
               {{"promise of an unregister",
                 event({{"kind", text("unregister")}, {"stale_after_ms", number(0)}})}});
  require_each(Rejection::too_long,
               {{"outcome of an activity", event({{"outcome", text(std::string(65, 'x'))}})}});
}

TEST_CASE("of a key that appears twice the last counts, with its fault or without") {
  REQUIRE(accepted(event({{"phase", text("one")}, {"phase", text("two")}})).phase == "two");
  REQUIRE(accepted(event({{"phase", number(1)}, {"phase", text("two")}})).phase == "two");
  REQUIRE_FALSE(accepted(event({{"phase", text("one")}, {"phase", nil()}})).phase);
  REQUIRE_FALSE(accepted(event({{"phase", number(1)}, {"phase", nil()}})).phase);
  REQUIRE(accepted(event({{"v", number(2)}, {"v", number(1)}})).agent_id == "a");
  require_each(Rejection::bad_type,
               {{"the last is bad", event({{"phase", text("one")}, {"phase", number(1)}})}});
  require_each(Rejection::missing_field,
               {{"the last is nil", event({{"kind", text("idle")}, {"kind", nil()}})}});
}

TEST_CASE("nil is absent, and an empty string is not") {
  const Event absent =
      accepted(event({{"task_id", nil()}, {"progress", nil()}, {"run_id", nil()}}));
  REQUIRE_FALSE(absent.task_id);
  REQUIRE_FALSE(absent.progress);
  REQUIRE(absent.run_id.empty());
  REQUIRE(accepted(event({{"task_id", text("")}})).task_id == "");
}

TEST_CASE("integers come in any width, and whole floats count as integers") {
  for (const std::string& seven :
       {std::string("\x07"), std::string("\xcc\x07"), std::string("\xcd\0\x07", 3),
        std::string("\xce\0\0\0\x07", 5), std::string("\xcf\0\0\0\0\0\0\0\x07", 9),
        std::string("\xd0\x07"), std::string("\xd1\0\x07", 3), std::string("\xd2\0\0\0\x07", 5),
        std::string("\xd3\0\0\0\0\0\0\0\x07", 9), std::string("\xca\x40\xe0\0\0", 5), real(7.0)}) {
    REQUIRE(accepted(event({{"progress", seven}})).progress == 7);
  }
  REQUIRE(accepted(event({{"v", real(1.0)}, {"progress", real(-0.0)}})).progress == 0);
}

TEST_CASE("the largest numbers are accepted, and sent_at saturates") {
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  REQUIRE(accepted(event({{"progress", number(most)}})).progress == most);
  REQUIRE(accepted(event({{"idle_for_ms", number(315'576'000'000)}})).idle_for_ms == duration_max);
  REQUIRE(accepted(event({{"source", text("s")}, {"seq", number(seq_max)}})).seq == seq_max);
  REQUIRE(accepted(event({{"sent_at", number(most)}})).sent_at == WallTime::max());
}

TEST_CASE("unknown keys are ignored whatever they hold") {
  for (const std::string& value : {nil(), text(half_surrogate), binary("\xff"), nested(7),
                                   map({{number(1), nil()}}), real(std::nan("")), negative(-1)}) {
    REQUIRE(accepted(event({{"later", value}, {"\xff", value}})).agent_id == "a");
  }
}

TEST_CASE("in a batch each event is judged on its own") {
  wire::EventDecoder decoder;
  const std::string bytes =
      list({event({{"phase", text("p")}}), number(5), event({{"v", number(2)}}), list({}),
            text("x"), event({{"agent_id", text("b")}})});
  const auto events = decoder.decode(bytes);
  REQUIRE(events.size() == 6);
  std::vector<std::string> reasons;
  for (const Event& one : events) {
    reasons.push_back(reason(one.rejected));
  }
  REQUIRE(reasons == std::vector<std::string>{"accepted", "malformed", "unsupported_version",
                                              "malformed", "malformed", "accepted"});
  REQUIRE(events.back().agent_id == "b");
  REQUIRE_FALSE(events.back().phase);
}

TEST_CASE("a rejected event says whose it was, as far as that could be read") {
  wire::EventDecoder decoder;
  const auto decode = [&](const std::string& bytes) { return decoder.decode(bytes).front(); };
  const std::pair<std::string, std::string> run{"run_id", text("r")};
  const std::pair<std::string, std::string> source{"source", text("s")};
  const std::pair<std::string, std::string> seq{"seq", number(7)};
  const std::string all = event({run, source, seq, {"kind", text("rest")}});
  const Event whole = decode(all);
  REQUIRE(whole.rejected);
  REQUIRE(whole.agent_id == "a");
  REQUIRE(whole.run_id == "r");
  REQUIRE(whole.source == "s");
  REQUIRE(whole.seq == 7);

  const std::string no_seq = event({run, source, seq, {"seq", number(0)}});
  REQUIRE(decode(no_seq).seq == 0);
  REQUIRE(decode(no_seq).agent_id == "a");

  const std::string no_run = event({run, source, seq, {"run_id", number(0)}});
  const Event nobody = decode(no_run);
  REQUIRE(nobody.agent_id.empty());
  REQUIRE(nobody.run_id.empty());
  REQUIRE(nobody.source == "s");
  REQUIRE(nobody.seq == 7);
}
