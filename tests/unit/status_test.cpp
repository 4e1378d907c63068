#include "daemon/status.hpp"

#include <algorithm>
#include <set>

#include "support/catch.hpp"
#include "wire/decode.hpp"
#include "wire/encode.hpp"

namespace heartbeat::daemon {
namespace {

// A fleet, its alerts, and someone who asks.
struct Desk {
  core::Fleet fleet{core::Limits{}};
  AlertLog alerts{"cafe", 100};
  Health health;
  StatusDesk desk{fleet, alerts, health};
  core::Transitions transitions;
  Moment moment{Instant{Duration{10'000'000}}, WallTime{Duration{1'700'000'000'000}}};

  void tell(EventKind kind, std::string_view agent_id, std::string_view run_id = "") {
    Event event;
    event.kind = kind;
    event.agent_id = agent_id;
    event.run_id = run_id;
    fleet.fold({&event, 1}, moment.now, transitions);
  }
  void pass(Duration duration) {
    moment.now += duration;
    moment.wall += duration;
    fleet.advance(moment.now, moment.now, 1'000, transitions);
  }
  std::string ask_bytes(std::optional<std::string_view> request) {
    std::string reply;
    desk.answer(request, moment, reply);
    return reply;
  }
  template <class Reply, class Request>
  Reply ask(const Request& request) {
    std::string bytes;
    wire::encode_request(request, bytes);
    return std::get<Reply>(wire::decode_reply<Reply>(ask_bytes(bytes)));
  }
  template <class Request>
  Error error(const Request& request) {
    std::string bytes;
    wire::encode_request(request, bytes);
    return error_of(bytes);
  }
  Error error_of(std::optional<std::string_view> bytes) {
    return std::get<Error>(wire::decode_reply<PingReply>(ask_bytes(bytes)));
  }
};

}  // namespace

TEST_CASE("ping tells the epoch, and what was read of a source") {
  Desk desk;
  Event event;
  event.agent_id = "pm";
  event.source = "s1";
  event.seq = 41;
  desk.fleet.fold({&event, 1}, desk.moment.now, desk.transitions);
  CHECK(desk.ask<PingReply>(PingRequest{}).epoch == "cafe");
  CHECK_FALSE(desk.ask<PingReply>(PingRequest{}).source_seq);
  CHECK(desk.ask<PingReply>(PingRequest{"s1"}).source_seq == 41U);
  CHECK(desk.ask<PingReply>(PingRequest{"s2"}).source_seq == 0U);
}

TEST_CASE("status counts runs and lists distinct agents") {
  Desk desk;
  desk.tell(EventKind::register_, "pm", "1");
  desk.tell(EventKind::register_, "pm", "2");
  desk.tell(EventKind::idle, "dev");
  const auto reply = desk.ask<StatusReply>(StatusRequest{});
  CHECK(reply.status == "online");
  CHECK(reply.monitor.agents_monitoring == 3);
  CHECK(reply.monitor.agents.size() == 2);
  CHECK_FALSE(reply.monitor.agents_truncated);
  CHECK(reply.monitor.config.stale_threshold_ms == Duration{300'000});
  CHECK(reply.counts.running == 2);
  CHECK(reply.counts.idle == 1);
  CHECK(reply.in_flight_agents.size() == 3);
  CHECK(reply.timestamp == "2023-11-14T22:13:20.000Z");
  CHECK(desk.ask<StatusReply>(StatusRequest{2}).monitor.agents_truncated);
}

TEST_CASE("agents are listed page by page, each run once") {
  Desk desk;
  for (int i = 0; i < 25; ++i) {
    desk.tell(EventKind::register_, "dev-" + std::to_string(i));
  }
  std::multiset<std::string> listed;
  AgentsRequest request;
  request.limit = 10;
  do {
    const auto reply = desk.ask<AgentsReply>(request);
    CHECK(reply.agents.size() <= 10);
    for (const RunRow& run : reply.agents) {
      listed.insert(run.agent_id);
    }
    request.after = reply.next;
  } while (request.after);
  CHECK(listed.size() == 25);
  CHECK(std::set<std::string>(listed.begin(), listed.end()).size() == 25);
}

TEST_CASE("no reply grows beyond about a MiB, and paging still lists each run once") {
  Desk desk;
  const std::string detail(512, 'd');
  for (int run = 0; run < 3'000; ++run) {
    const std::string run_id = std::to_string(run);
    Event event;
    event.agent_id = "pm";
    event.run_id = run_id;
    event.detail = detail;
    desk.fleet.fold({&event, 1}, desk.moment.now, desk.transitions);
  }
  constexpr std::size_t bytes_max = 1024 * 1024 + 4'096;
  const auto bytes_of = [&](const auto& request) {
    std::string bytes;
    wire::encode_request(request, bytes);
    return desk.ask_bytes(bytes).size();
  };
  CHECK(bytes_of(StatusRequest{10'000}) <= bytes_max);
  CHECK(desk.ask<StatusReply>(StatusRequest{10'000}).monitor.agents_truncated);
  CHECK(bytes_of(AgentRequest{"pm", std::nullopt}) <= bytes_max);
  CHECK(desk.ask<AgentReply>(AgentRequest{"pm", std::nullopt}).runs_truncated);
  AgentsRequest request{
      .limit = 10'000, .after = std::nullopt, .status = std::nullopt, .agent = std::nullopt};
  std::set<std::string> runs;
  std::size_t listed = 0;
  do {
    CHECK(bytes_of(request) <= bytes_max);
    const auto page = desk.ask<AgentsReply>(request);
    for (const RunRow& run : page.agents) {
      runs.insert(run.run_id);
    }
    listed += page.agents.size();
    request.after = page.next;
  } while (request.after);
  CHECK(runs.size() == 3'000);
  CHECK(listed == 3'000);
}

TEST_CASE("a glob that is hard to match makes short pages, not long pauses") {
  Desk desk;
  const std::string agent_id(128, 'a');
  for (int run = 0; run < 1'000; ++run) {
    desk.tell(EventKind::register_, agent_id, std::to_string(run));
  }
  AgentsRequest request{
      .limit = 10'000, .after = std::nullopt, .status = std::nullopt, .agent = "*"};
  *request.agent += std::string(60, 'a') + "b";
  int pages = 0;
  do {
    const auto page = desk.ask<AgentsReply>(request);
    CHECK(page.agents.empty());
    request.after = page.next;
    ++pages;
  } while (request.after);
  CHECK(pages > 2);
}

TEST_CASE("agents are filtered by status and by glob") {
  Desk desk;
  desk.tell(EventKind::register_, "dev-1");
  desk.tell(EventKind::register_, "pm");
  desk.pass(Duration{300'001});
  desk.tell(EventKind::idle, "dev-2");
  const auto count = [&](std::optional<std::string> status, std::optional<std::string> agent) {
    AgentsRequest request;
    request.status = std::move(status);
    request.agent = std::move(agent);
    return desk.ask<AgentsReply>(request).agents.size();
  };
  CHECK(count({}, {}) == 3);
  CHECK(count("running", {}) == 2);
  CHECK(count("idle", {}) == 1);
  CHECK(count("stale", {}) == 2);
  CHECK(count({}, "dev-?") == 2);
  CHECK(count("stale", "dev-*") == 1);
}

TEST_CASE("a bad argument names the argument and what was expected") {
  Desk desk;
  AgentsRequest request;
  request.status = "lost";
  CHECK(desk.error(request).code == "bad_argument");
  CHECK(desk.error(request).message == "status: lost; expected running, idle or stale");
  for (const char* cursor : {"x", "-1", "1 ", "99999999999"}) {
    request.status.reset();
    request.after = cursor;
    CHECK(desk.error(request).code == "bad_argument");
  }
  CHECK(desk.error(StatusRequest{0}).code == "bad_argument");
  CHECK(desk.error(StatusRequest{10'001}).code == "bad_argument");
}

TEST_CASE("agent shows all runs of an agent, or one") {
  Desk desk;
  desk.tell(EventKind::register_, "pm", "1");
  desk.tell(EventKind::register_, "pm", "2");
  desk.pass(Duration{1'000});
  desk.tell(EventKind::activity, "pm", "1");
  CHECK(desk.ask<AgentReply>(AgentRequest{"pm", {}}).runs.size() == 2);
  const auto reply = desk.ask<AgentReply>(AgentRequest{"pm", "1"});
  REQUIRE(reply.runs.size() == 1);
  const RunDetail& run = reply.runs[0];
  CHECK(run.stale_after_ms == Duration{300'000});
  CHECK(run.stale_after_from == "configuration");
  CHECK(run.running_for_ms == Duration{1'000});
  CHECK(run.idle_for_ms == Duration{0});
  REQUIRE(run.last_events.size() == 2);
  CHECK(run.last_events[0].kind == "activity");
  CHECK(run.last_events[1].ago_ms == Duration{1'000});
}

TEST_CASE("an agent that is gone is not found, with when and how it ended") {
  Desk desk;
  CHECK(desk.error(AgentRequest{"pm", {}}).code == "not_found");
  CHECK_FALSE(desk.error(AgentRequest{"pm", {}}).ended_at);
  desk.tell(EventKind::register_, "pm");
  desk.tell(EventKind::unregister, "pm");
  const WallTime end = desk.moment.wall;
  desk.pass(Duration{5'000});
  CHECK(desk.error(AgentRequest{"pm", {}}).code == "not_found");
  CHECK(desk.error(AgentRequest{"pm", {}}).ended_by == "unregister");
  CHECK(desk.error(AgentRequest{"pm", ""}).ended_at == end);
}

TEST_CASE("requests that cannot be read get an error that says why") {
  Desk desk;
  CHECK(desk.error_of(std::nullopt).code == "malformed");
  CHECK(desk.error_of("").code == "malformed");
  CHECK(desk.error_of("\xc1").code == "malformed");
  CHECK(desk.error_of("\x82\xa1v\x02\xa3"
                      "cmd\xa4ping")
            .code == "unsupported_version");
  const Error unknown = desk.error_of(
      "\x82\xa1v\x01\xa3"
      "cmd\xa3"
      "die");
  CHECK(unknown.code == "unknown_command");
  CHECK(unknown.message ==
        "cmd: got 'die', expected one of ping, status, agents, agent, alerts, counters");
}

TEST_CASE("alerts are replayed as the bytes that were published") {
  Desk desk;
  desk.tell(EventKind::register_, "pm");
  desk.pass(Duration{300'001});
  REQUIRE(desk.transitions.size() == 1);
  const Alert published = desk.alerts.add(desk.transitions[0], desk.moment.wall, false).alert;
  desk.alerts.published_next();
  const auto reply = desk.ask<AlertsReply>(AlertsRequest{});
  CHECK(reply.epoch == "cafe");
  CHECK(reply.last_seq == 1);
  REQUIRE(reply.alerts.size() == 1);
  CHECK(reply.alerts[0].message == published.message);
}

TEST_CASE("counters carry every name, also those at zero") {
  Desk desk;
  Event bad;
  bad.rejected = Rejection::too_long;
  desk.fleet.fold({&bad, 1}, desk.moment.now, desk.transitions);
  const auto list = desk.ask<CountersReply>(CountersRequest{}).counters;
  const auto value = [&](std::string_view name) -> std::optional<std::uint64_t> {
    const auto found = std::find_if(list.begin(), list.end(),
                                    [&](const auto& counter) { return counter.first == name; });
    return found == list.end() ? std::nullopt : std::optional{found->second};
  };
  CHECK(value("events_rejected_total{reason=\"too_long\"}") == 1U);
  CHECK(value("events_rejected_total{reason=\"malformed\"}") == 0U);
  CHECK(value("alerts_published_total{kind=\"stale\"}") == 0U);
  for (const auto& [name, member] : core::counter_names) {
    CHECK(value(name) == desk.fleet.counters().*member);
  }
  CHECK(value("runs_in_flight") == 0U);
  CHECK(value("messages_received_total") == 0U);
}

}  // namespace heartbeat::daemon
