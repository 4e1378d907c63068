// The golden vectors of schemas/golden: the same bytes in every language.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "heartbeat/alert.hpp"
#include "heartbeat/status.hpp"
#include "support/catch.hpp"
#include "wire/decode.hpp"
#include "wire/encode.hpp"

using namespace heartbeat;

namespace {

struct Vector {
  std::string name;
  std::string bytes;
};

std::vector<Vector> vectors(const std::string& prefix) {
  std::vector<Vector> found;
  for (const auto& entry :
       std::filesystem::directory_iterator{HEARTBEAT_SOURCE_DIR "/schemas/golden"}) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() == ".msgpack" && name.starts_with(prefix)) {
      std::ifstream file{entry.path(), std::ios::binary};
      found.push_back({name, {std::istreambuf_iterator<char>{file}, {}}});
    }
  }
  INFO("no golden vector begins with " << prefix);
  REQUIRE_FALSE(found.empty());
  return found;
}

template <class T>
void requires_same_message(const std::string& prefix) {
  for (const auto& [name, bytes] : vectors(prefix)) {
    INFO(name);
    T message;
    const auto problem = wire::decode_message(bytes, message);
    INFO((problem ? problem->message : ""));
    REQUIRE_FALSE(problem);
    std::string encoded;
    wire::encode(message, encoded);
    REQUIRE(encoded == bytes);
  }
}

template <class T>
void requires_same_request(const std::string& cmd) {
  for (const auto& [name, bytes] : vectors("request-" + cmd + "-")) {
    INFO(name);
    std::string command;
    REQUIRE_FALSE(wire::decode_command(bytes, command));
    REQUIRE(command == cmd);
    T request;
    REQUIRE_FALSE(wire::decode_fields(bytes, request));
    std::string encoded;
    wire::encode_request(request, encoded);
    REQUIRE(encoded == bytes);
  }
}

template <class T>
void requires_same_reply(const std::string& cmd) {
  for (const auto& [name, bytes] : vectors("reply-" + cmd + "-")) {
    INFO(name);
    const auto reply = wire::decode_reply<T>(bytes);
    REQUIRE(std::holds_alternative<T>(reply));
    std::string encoded;
    wire::encode_reply(std::get<T>(reply), encoded);
    REQUIRE(encoded == bytes);
  }
}

}  // namespace

TEST_CASE("golden events decode, and encode to the same bytes") {
  wire::EventDecoder decoder;
  for (const auto& [name, bytes] : vectors("event-")) {
    if (name.starts_with("event-rejected-")) {
      continue;
    }
    INFO(name);
    const auto events = decoder.decode(bytes);
    for (const Event& event : events) {
      INFO(heartbeat::name(event.rejected.value_or(Rejection::malformed)));
      REQUIRE_FALSE(event.rejected);
    }
    std::string encoded;
    if (name.starts_with("event-batch")) {
      wire::encode_batch(events, encoded);
    } else {
      wire::encode(events.front(), encoded);
    }
    REQUIRE(encoded == bytes);
  }
}

TEST_CASE("golden bad events are rejected for the reason in their name") {
  wire::EventDecoder decoder;
  const std::string prefix = "event-rejected-";
  for (const auto& [name, bytes] : vectors(prefix)) {
    INFO(name);
    const std::string rest = name.substr(prefix.size());
    const auto expected = from_name<Rejection>(rest.substr(0, rest.find('-')));
    REQUIRE(expected);
    const auto events = decoder.decode(bytes);
    REQUIRE(events.size() == 1);
    REQUIRE(events.front().rejected);
    REQUIRE(heartbeat::name(*events.front().rejected) == heartbeat::name(*expected));
  }
}

TEST_CASE("golden alerts and beats decode, and encode to the same bytes") {
  requires_same_message<Alert>("alert-");
  requires_same_message<Beat>("beat");
}

TEST_CASE("golden requests decode, and encode to the same bytes") {
  requires_same_request<PingRequest>("ping");
  requires_same_request<StatusRequest>("status");
  requires_same_request<AgentsRequest>("agents");
  requires_same_request<AgentRequest>("agent");
  requires_same_request<AlertsRequest>("alerts");
  requires_same_request<CountersRequest>("counters");
}

TEST_CASE("a golden page of alerts decodes, and carries the alerts as they were published") {
  for (const auto& [name, bytes] : vectors("reply-alerts-")) {
    INFO(name);
    const auto reply = wire::decode_reply<AlertsReply>(bytes);
    REQUIRE(std::holds_alternative<AlertsReply>(reply));
    const auto& page = std::get<AlertsReply>(reply);
    std::vector<std::string> published;
    for (const Alert& alert : page.alerts) {
      wire::encode(alert, published.emplace_back());
    }
    AlertsPage<wire::EncodedMap> replayed{page.epoch, page.first_seq, page.last_seq, {}};
    for (const std::string& map : published) {
      replayed.alerts.push_back({map});
    }
    std::string encoded;
    wire::encode_reply(replayed, encoded);
    REQUIRE(encoded == bytes);
  }
}

TEST_CASE("golden replies decode, and encode to the same bytes") {
  requires_same_reply<PingReply>("ping");
  requires_same_reply<StatusReply>("status");
  requires_same_reply<AgentsReply>("agents");
  requires_same_reply<AgentReply>("agent");
  requires_same_reply<CountersReply>("counters");
  for (const auto& [name, bytes] : vectors("reply-error-")) {
    INFO(name);
    const auto reply = wire::decode_reply<PingReply>(bytes);
    REQUIRE(std::holds_alternative<Error>(reply));
    std::string encoded;
    wire::encode_error(std::get<Error>(reply), encoded);
    REQUIRE(encoded == bytes);
  }
}
