#include "event_body.hpp"
#include "support/catch.hpp"

namespace heartbeat::hbgate {
namespace {

unsigned status_of(const std::string& json) {
  try {
    const EventBody body(json);
  } catch (const Refusal& refusal) {
    return refusal.response().status;
  }
  return 0;
}

std::string rejection(const std::string& json) {
  const EventBody body(json);
  REQUIRE(body.rejected().size() == 1);
  const Rejected& only = body.rejected().front();
  return std::string(name(only.reason)) + " | " + only.message;
}

}  // namespace

TEST_CASE("events come as one map or as an array, and v may be left out") {
  const EventBody one(R"({"kind": "activity", "agent_id": "a", "progress": 2.0, "unknown": []})");
  CHECK(one.rejected().empty());
  REQUIRE(one.events().size() == 1);
  CHECK(one.events()[0].progress == 2U);
  const EventBody two(
      R"([{"kind": "idle", "agent_id": "a"}, {"v": 1, "kind": "idle", "agent_id": "b"}])");
  CHECK(two.rejected().empty());
  CHECK(two.events()[1].agent_id == "b");
}

TEST_CASE("decoration is made to fit") {
  const std::string long_text(600, 'x');
  const EventBody body(R"({"kind": "idle", "agent_id": "a", "phase": "a\nb", "detail": ")" +
                       long_text + R"("})");
  CHECK(body.rejected().empty());
  CHECK(body.events()[0].phase == "a b");
  CHECK(body.events()[0].detail->size() == 512);
}

TEST_CASE("half a pair of surrogates costs one character of decoration, and no event") {
  const auto detail = [](const std::string& escaped) {
    const EventBody body(R"([{"kind": "idle", "agent_id": "a", "detail": ")" + escaped + R"("}])");
    CHECK(body.rejected().empty());
    return std::string(body.events()[0].detail.value_or("none"));
  };
  CHECK(detail(R"(caf\\udce9.txt)") == R"(caf\udce9.txt)");
  CHECK(detail(R"(caf\udce9.txt)") == "caf .txt");
  CHECK(detail(R"(\uD800\uDBFF)") == "  ");
  CHECK(detail(R"(\ud800x\ud800\u0041\\\udfff)") == R"( x A\ )");
  CHECK(detail(R"(\ud83d\ude00 \ud83d\ud83d\ude00\ude00)") == "\U0001F600  \U0001F600 ");
  CHECK(rejection(R"({"kind": "idle", "agent_id": "a\udc80"})").starts_with("bad_utf8 | agent_id"));
  CHECK(status_of(R"({"kind": "idle", "agent_id": "a", "detail": "\ud8"})") == 400);
  CHECK(status_of(R"({"kind": "idle", "agent_id": "a", "detail": "\ud800)") == 400);
  CHECK(status_of(R"({"kind": "idle", "agent_id": "a", "detail": "\)") == 400);
}

TEST_CASE("what the monitor would reject is told by its reason, with what would be right") {
  CHECK(rejection(R"({"kind": "dance", "agent_id": "a"})") ==
        "unknown_kind | kind: got \"dance\", expected one of register, activity, idle, unregister");
  CHECK(rejection(R"({"kind": "idle"})").starts_with("missing_field | agent_id: "));
  CHECK(rejection(R"({"kind": "idle", "agent_id": ""})").starts_with("bad_value | agent_id: "));
  CHECK(rejection(R"({"kind": "idle", "agent_id": 7})").starts_with("bad_type | agent_id: got 7"));
  CHECK(rejection(R"({"kind": "idle", "agent_id": "a", "v": 2})") ==
        "unsupported_version | v: got 2, expected 1");
  CHECK(rejection(R"({"kind": "idle", "agent_id": "a\u0000"})").starts_with("bad_utf8 | agent_id"));
  CHECK(rejection(R"({"kind": "idle", "agent_id": "a", "seq": 1})")
            .starts_with("missing_field | source"));
  CHECK(rejection(R"({"kind": "idle", "agent_id": ")" + std::string(129, 'x') + R"("})")
            .starts_with("too_long | agent_id"));
  CHECK(rejection(R"({"kind": "idle", "agent_id": "a", "idle_for_ms": -1})")
            .starts_with("bad_value | idle_for_ms: got -1"));
  CHECK(rejection("[3]").starts_with("malformed | expected a map"));
  CHECK(rejection("3").starts_with("malformed | "));
  const EventBody second(R"([{"kind": "idle", "agent_id": "a"}, {"kind": "idle"}])");
  REQUIRE(second.rejected().size() == 1);
  CHECK(second.rejected()[0].index == 1);
}

TEST_CASE("what is no JSON, too deep, empty or too much is refused as a whole") {
  CHECK(status_of("") == 400);
  CHECK(status_of("{") == 400);
  CHECK(status_of("{\"kind\": \"\xff\"}") == 400);
  CHECK(status_of(std::string(1'000'000, '[')) == 400);
  CHECK(status_of("[]") == 422);
  std::string many = "[1";
  for (std::size_t i = 0; i < batch_max; ++i) {
    many += ",1";
  }
  CHECK(status_of(many + "]") == 422);
}

TEST_CASE("an event's other fields are parameters by their own names") {
  Parameters refused(*parse_target("/ping/x?run_id=r1&task_id=T%0A1"));
  CHECK_THROWS_AS(EventBody({{"kind", "activity"}, {"agent_id", "x"}}, refused), Refusal);
  Parameters parameters(
      *parse_target("/ping/x?run_id=r1&task_id=T+1&stale_after_ms=5000&progress=7&phase=a%0A"
                    "b&detail=%ff"));
  const EventBody body({{"kind", "activity"}, {"agent_id", "x"}}, parameters);
  parameters.done();
  CHECK(body.rejected().empty());
  const Event& event = body.events()[0];
  CHECK(event.agent_id == "x");
  CHECK(event.run_id == "r1");
  CHECK(event.task_id == "T 1");
  CHECK(event.stale_after_ms == Duration{5'000});
  CHECK(event.progress == 7U);
  CHECK(event.phase == "a b");
  CHECK(event.detail == "?");
}

TEST_CASE("who and which kind are said by the path, and seq and source are the gateway's own") {
  for (const char* query : {"agent_id=y", "kind=register", "source=s", "seq=3"}) {
    INFO(query);
    Parameters parameters(*parse_target(std::string("/ping/x?") + query));
    const EventBody body({{"kind", "activity"}, {"agent_id", "x"}}, parameters);
    CHECK(body.events()[0].agent_id == "x");
    CHECK_THROWS_AS(parameters.done(), Refusal);
  }
}

}  // namespace heartbeat::hbgate
