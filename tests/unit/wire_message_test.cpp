// Requests, replies, alerts and beats: each comes back as it was sent, and what cannot be used is
// told in words that help.
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "heartbeat/alert.hpp"
#include "heartbeat/status.hpp"
#include "support/catch.hpp"
#include "support/pack.hpp"
#include "wire/decode.hpp"
#include "wire/encode.hpp"

using namespace heartbeat;
using pack::flag;
using pack::list;
using pack::map;
using pack::negative;
using pack::nil;
using pack::number;
using pack::real;
using pack::text;

namespace {

// Every member gets a value of its own that is not its default.
class Filler {
 public:
  template <class T>
  T filled() {
    T message;
    fill(message);
    return message;
  }

 private:
  void fill(std::string& member) { member = "text " + std::to_string(++last_); }
  void fill(std::uint64_t& member) { member = static_cast<std::uint64_t>(++last_) * 100'003; }
  void fill(bool& member) { member = !member; }
  void fill(Duration& member) { member = Duration{++last_ * 70'001}; }
  void fill(WallTime& member) { member = WallTime{Duration{1'700'000'000'000 + ++last_}}; }
  void fill(CounterList& member) { member = {{"events_total", 7}, {"runs{a=\"b\"}", 0}}; }
  template <class T>
  void fill(std::optional<T>& member) {
    fill(member.emplace());
  }
  template <class T>
  void fill(std::vector<T>& member) {
    fill(member.emplace_back());
    fill(member.emplace_back());
  }
  template <class T>
  requires requires { Message<T>::fields; }
  void fill(T& message) {
    std::apply([&](const auto&... field) { (fill(message.*field.member), ...); },
               Message<T>::fields);
  }

  std::int64_t last_ = 0;
};

template <class T>
bool same(const T& one, const T& other) {
  return one == other;
}
template <class T>
bool same(const std::vector<T>& one, const std::vector<T>& other);
template <class T>
requires requires { Message<T>::fields; }
bool same(const T& one, const T& other) {
  return std::apply(
      [&](const auto&... field) { return (same(one.*field.member, other.*field.member) && ...); },
      Message<T>::fields);
}
template <class T>
bool same(const std::vector<T>& one, const std::vector<T>& other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](const T& a, const T& b) { return same(a, b); });
}

template <class T>
void message_comes_back() {
  for (const T& message : {T{}, Filler{}.filled<T>()}) {
    std::string bytes;
    wire::encode(message, bytes);
    T decoded;
    REQUIRE_FALSE(wire::decode_message(bytes, decoded));
    REQUIRE(same(decoded, message));
  }
}

template <class T>
void request_comes_back(const T& message) {
  std::string bytes;
  wire::encode_request(message, bytes);
  std::string cmd;
  REQUIRE_FALSE(wire::decode_command(bytes, cmd));
  REQUIRE(cmd == Message<T>::cmd);
  T decoded;
  REQUIRE_FALSE(wire::decode_fields(bytes, decoded));
  REQUIRE(same(decoded, message));
}

template <class T>
void reply_comes_back() {
  for (const T& message : {T{}, Filler{}.filled<T>()}) {
    std::string bytes;
    wire::encode_reply(message, bytes);
    const auto decoded = wire::decode_reply<T>(bytes);
    REQUIRE(std::holds_alternative<T>(decoded));
    REQUIRE(same(std::get<T>(decoded), message));
  }
}

std::string request(const std::vector<std::pair<std::string, std::string>>& arguments) {
  pack::Pairs pairs{{text("v"), number(1)}, {text("cmd"), text("agents")}};
  for (const auto& [key, value] : arguments) {
    pairs.emplace_back(text(key), value);
  }
  return map(pairs);
}

template <class T>
std::string refusal(const std::string& bytes) {
  T out;
  const auto problem = wire::decode_fields(bytes, out);
  REQUIRE(problem);
  REQUIRE(problem->code == "bad_argument");
  return problem->message;
}

std::string command_problem(const std::string& bytes) {
  std::string cmd;
  const auto problem = wire::decode_command(bytes, cmd);
  return problem ? problem->code : "none";
}

template <class T>
std::string reply_problem(const std::string& bytes) {
  const auto reply = wire::decode_reply<T>(bytes);
  REQUIRE(std::holds_alternative<wire::Problem>(reply));
  return std::get<wire::Problem>(reply).message;
}

}  // namespace

TEST_CASE("alerts and beats come back as they were sent") {
  message_comes_back<Alert>();
  message_comes_back<Beat>();
}

TEST_CASE("requests come back as they were sent") {
  request_comes_back(PingRequest{});
  request_comes_back(PingRequest{"0123456789abcdef"});
  request_comes_back(StatusRequest{});
  request_comes_back(StatusRequest{10'000});
  request_comes_back(AgentsRequest{});
  request_comes_back(AgentsRequest{1, "17", "stale", "dev-*"});
  request_comes_back(AgentRequest{"a", std::nullopt});
  request_comes_back(AgentRequest{"a", ""});
  request_comes_back(AlertsRequest{});
  request_comes_back(AlertsRequest{1'000'000, "e", 5});
  request_comes_back(CountersRequest{});
}

TEST_CASE("replies come back as they were sent") {
  reply_comes_back<PingReply>();
  reply_comes_back<StatusReply>();
  reply_comes_back<AgentsReply>();
  reply_comes_back<AgentReply>();
  reply_comes_back<AlertsReply>();
  reply_comes_back<CountersReply>();
  const Error error = Filler{}.filled<Error>();
  std::string bytes;
  wire::encode_error(error, bytes);
  const auto decoded = wire::decode_reply<PingReply>(bytes);
  REQUIRE(std::holds_alternative<Error>(decoded));
  REQUIRE(same(std::get<Error>(decoded), error));
}

TEST_CASE("numbers take the narrowest unsigned form") {
  for (const auto& [value, size] : std::vector<std::pair<std::int64_t, std::size_t>>{
           {127, 1}, {128, 2}, {255, 2}, {256, 3}, {65'535, 3}, {65'536, 5}, {4'294'967'296, 9}}) {
    std::string duration;
    wire::Encoder{duration}.value(Duration{value});
    REQUIRE(duration == number(static_cast<std::uint64_t>(value)));
    REQUIRE(duration.size() == size);
  }
}

TEST_CASE("a request that cannot be read is told apart by its code") {
  REQUIRE(command_problem(request({})) == "none");
  for (const std::string& bytes : {std::string{}, std::string("\xc1"), number(1), list({}),
                                   request({}) + nil(), request({{"x", pack::nested(8)}})}) {
    REQUIRE(command_problem(bytes) == "malformed");
  }
  REQUIRE(command_problem(map({})) == "unsupported_version");
  for (const std::string& v : {nil(), number(2), text("1"), negative(-1), real(1.5)}) {
    REQUIRE(command_problem(request({{"v", v}})) == "unsupported_version");
  }
  for (const std::string& cmd : {nil(), number(2), list({})}) {
    REQUIRE(command_problem(request({{"cmd", cmd}})) == "bad_argument");
  }
  REQUIRE(command_problem(map({{text("v"), number(1)}})) == "bad_argument");
}

TEST_CASE("a bad argument is told with its key, its value and what was expected") {
  const std::string range = ", expected a whole number from 1 to 10000";
  const std::vector<std::pair<std::string, std::string>> limits{
      {number(0), "0"},
      {number(10'001), "10001"},
      {negative(-1), "-1"},
      {negative(-200), "-200"},
      {negative(-3'000'000'000), "-3000000000"},
      {real(2.5), "2.5"},
      {text("ten"), "\"ten\""},
      {text(std::string(41, 'x')), "a string of 41 bytes"},
      {text("\xff"), "a string of 1 bytes that is not UTF-8 or has control characters"},
      {pack::binary("x"), "binary data"},
      {flag(true), "true"},
      {list({}), "a list"},
      {map({}), "a map"}};
  for (const auto& [value, got] : limits) {
    REQUIRE(refusal<AgentsRequest>(request({{"limit", value}})) == "limit: got " + got + range);
  }
  REQUIRE(refusal<AgentRequest>(request({})) ==
          "agent_id: got nothing, expected UTF-8 text without control characters, from 1 to 128 "
          "bytes");
  REQUIRE(refusal<AgentRequest>(request({{"agent_id", text("a")}, {"agent_id", text("")}})) ==
          "agent_id: got \"\", expected UTF-8 text without control characters, from 1 to 128 "
          "bytes");
  REQUIRE(refusal<CountersRequest>(map({{text("v"), number(1)}, {number(1), nil()}})) ==
          "a key is no string; expected string keys");
}

TEST_CASE("an absent argument has its default, and unknown arguments are ignored") {
  AgentsRequest out;
  REQUIRE_FALSE(wire::decode_fields(request({{"limit", nil()}, {"later", list({nil()})}}), out));
  REQUIRE(out.limit == limit_default);
  REQUIRE_FALSE(wire::decode_fields(request({{"limit", real(7.0)}}), out));
  REQUIRE(out.limit == 7);
}

TEST_CASE("a reply is read leniently, but not without what it is about") {
  const std::string later = map({{text("v"), number(1)},
                                 {text("ok"), flag(true)},
                                 {text("later"), list({number(1)})},
                                 {text("epoch"), text("e")}});
  const auto reply = wire::decode_reply<PingReply>(later);
  REQUIRE(std::holds_alternative<PingReply>(reply));
  REQUIRE(std::get<PingReply>(reply).epoch == "e");

  const std::string ok = map({{text("v"), number(1)}, {text("ok"), flag(true)}});
  REQUIRE(reply_problem<PingReply>(ok).starts_with("epoch: got nothing"));
  REQUIRE(reply_problem<AgentsReply>(ok) ==
          "agents: got nothing, expected a list of complete elements");
  REQUIRE(reply_problem<PingReply>(map({{text("v"), number(1)}})) == "ok: missing or no bool");
  const std::string refused = map({{text("v"), number(1)}, {text("ok"), flag(false)}});
  REQUIRE(reply_problem<PingReply>(refused) == "error: expected a map with at least a code");
}

TEST_CASE("of lists, maps and counters that appear twice the last counts, whole") {
  const std::string counters = map({{text("v"), number(1)},
                                    {text("ok"), flag(true)},
                                    {text("counters"), map({{text("a"), number(1)}})},
                                    {text("counters"), map({{text("b"), number(2)}})}});
  const auto reply = wire::decode_reply<CountersReply>(counters);
  REQUIRE(std::get<CountersReply>(reply).counters == CounterList{{"b", 2}});
  const std::string status = map({{text("v"), number(1)},
                                  {text("ok"), flag(true)},
                                  {text("status"), text("online")},
                                  {text("monitor"), map({})},
                                  {text("counts"), map({{text("idle"), number(5)}})},
                                  {text("counts"), map({{text("running"), number(6)}})}});
  const auto both = wire::decode_reply<StatusReply>(status);
  REQUIRE(std::get<StatusReply>(both).counts.running == 6);
  REQUIRE(std::get<StatusReply>(both).counts.idle == 0);
}

TEST_CASE("what grows beyond the longest duration is sent as that") {
  Beat beat;
  beat.uptime_ms = duration_max + Duration{1};
  std::string bytes;
  wire::encode(beat, bytes);
  Beat read;
  REQUIRE_FALSE(wire::decode_message(bytes, read));
  REQUIRE(read.uptime_ms == duration_max);
}
