#include <chrono>
#include <string>
#include <vector>

#include "delays.hpp"
#include "event_form.hpp"
#include "mix.hpp"
#include "support/catch.hpp"
#include "wire/decode.hpp"

namespace heartbeat::hbload {
namespace {

using namespace std::chrono_literals;

const std::string source = "0123456789abcdef";

TEST_CASE("each form of event is read as it was meant") {
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    const EventForm form{static_cast<Kind>(kind), source, false};
    std::string bytes;
    form.append({digits_of(12'345'678), 7, 250, WallTime{Duration{1'795'682'164'847}}}, bytes);
    CHECK(bytes.size() == form.size());
    wire::EventDecoder decoder;
    const auto events = decoder.decode(bytes);
    REQUIRE(events.size() == 1);
    const Event& event = events.front();
    CHECK_FALSE(event.rejected);
    CHECK(event.agent_id == "agent-12345678");
    CHECK(event.source == source);
    CHECK(event.seq == 7);
    CHECK(event.running_for_ms == Duration{250});
    CHECK(event.sent_at == WallTime{Duration{1'795'682'164'847}});
    CHECK((event.kind == EventKind::register_) == (event.task_id == "task-12345678"));
  }
}

TEST_CASE("an activity is as large as what agents send") {
  CHECK(EventForm(Kind::activity, source, false).size() == 112);
}

TEST_CASE("an agent has a source of its own where that is asked") {
  const EventForm form{Kind::activity, source, true};
  std::string bytes;
  form.append({digits_of(42), 1, 0, WallTime{}}, bytes);
  wire::EventDecoder decoder;
  CHECK(decoder.decode(bytes).front().source == "0123456700000042");
}

TEST_CASE("a mix is drawn as its shares say") {
  const auto mix = parse_mix("activity=3,idle=1");
  REQUIRE(mix);
  CHECK(drum(*mix) ==
        std::vector<Kind>{Kind::activity, Kind::activity, Kind::activity, Kind::idle});
}

TEST_CASE("what is no mix is refused") {
  for (const char* wrong : {"", ",", "activity", "activity=", "activity=0", "activity=x",
                            "activity=1,", "activity=1,activity=1", "dance=1", "activity=10001",
                            "activity=-1", "activity=1 ,idle=1"}) {
    INFO(wrong);
    CHECK_FALSE(parse_mix(wrong));
  }
}

TEST_CASE("delays are told by rank; what was not heard is missing, not late") {
  const Delays::TimePoint due{1s};
  std::vector<Delays::TimePoint> deadlines(1'001, due);
  std::vector<std::optional<Delays::TimePoint>> heard;
  for (int late = 1; late <= 1'000; ++late) {
    heard.emplace_back(due + late * 1ms);
  }
  heard.emplace_back(std::nullopt);
  const Delays delays{deadlines, heard};
  CHECK(delays.percentile_ms(0) == 1);
  CHECK(delays.percentile_ms(0.5) == 500);
  CHECK(delays.percentile_ms(0.99) == 990);
  CHECK(delays.percentile_ms(0.999) == 999);
  CHECK(delays.percentile_ms(1) == 1'000);
  CHECK(delays.missing == 1);
  CHECK(delays.early == 0);
  CHECK(delays.deadlines_within_ms == 0);
}

TEST_CASE("a percentile is a delay that was measured, and never a shorter one") {
  const Delays::TimePoint due{1s};
  const Delays delays{{due, due, due}, {due + 3ms, due + 1ms, due + 2ms}};
  CHECK(delays.percentile_ms(0.3) == 1);
  CHECK(delays.percentile_ms(0.5) == 2);
  CHECK(delays.percentile_ms(0.99) == 3);
}

TEST_CASE("an alert before its deadline is early") {
  const Delays delays{{Delays::TimePoint{1s}, Delays::TimePoint{3s}},
                      {Delays::TimePoint{999ms}, Delays::TimePoint{3s}}};
  CHECK(delays.early == 1);
  CHECK(delays.percentile_ms(0) == -1);
  CHECK(delays.deadlines_within_ms == 2'000);
}

}  // namespace
}  // namespace heartbeat::hbload
