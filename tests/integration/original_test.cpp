// The tests of the monitor that this one replaces, under their names, against the real daemon.
#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "hbmond.hpp"

namespace heartbeat::test {
namespace {

Event event(EventKind kind, std::string_view agent_id) {
  Event made;
  made.kind = kind;
  made.agent_id = agent_id;
  return made;
}

Event registration(std::string_view agent_id) { return event(EventKind::register_, agent_id); }

std::vector<RunRow> in_flight(const Hbmond& monitor) {
  return ask<AgentsReply>(monitor, AgentsRequest{}).agents;
}

RunRow only_run(const Hbmond& monitor) {
  const std::vector<RunRow> rows = in_flight(monitor);
  REQUIRE(rows.size() == 1);
  return rows.front();
}

// All alerts since the start, in order, up to and with the first for which `last` holds.
std::vector<Alert> alerts_until(const Hbmond& monitor,
                                const std::function<bool(const Alert&)>& last) {
  INFO(monitor.log());
  std::vector<Alert> alerts;
  notices_until(monitor.endpoints(), [&](const AlertSubscriber::Notice& notice) {
    if (notice.event != AlertSubscriber::Event::alert) {
      return false;
    }
    alerts.push_back(notice.alert);
    return last(notice.alert);
  });
  return alerts;
}

Alert first_alert(const Hbmond& monitor) {
  return alerts_until(monitor, [](const Alert&) { return true; }).front();
}

auto nth(const std::string& kind, std::size_t count) {
  return [kind, count](const Alert& alert) mutable { return alert.kind == kind && --count == 0; };
}

std::ptrdiff_t count_of(const std::vector<Alert>& alerts, const std::string& agent_id,
                        const std::string& kind) {
  return std::count_if(alerts.begin(), alerts.end(), [&](const Alert& alert) {
    return alert.agent_id == agent_id && alert.kind == kind;
  });
}

TEST_CASE("register_agent") {
  const Hbmond monitor;
  EventPublisher agent{monitor.endpoints().events};
  Event event = registration("pm");
  event.task_id = "TASK-1";
  event.agent_type = "planner";
  tell(monitor, agent, event);
  const RunRow run = only_run(monitor);
  CHECK(run.agent_id == "pm");
  CHECK(run.task_id == "TASK-1");
  CHECK(run.agent_type == "planner");
  CHECK(run.status == "running");
  CHECK_FALSE(run.stale);
  CHECK_FALSE(run.adopted);
}

TEST_CASE("update_activity") {
  const Hbmond monitor;
  EventPublisher agent{monitor.endpoints().events};
  Event silent = registration("pm");
  silent.idle_for_ms = Duration{60'000};
  tell(monitor, agent, silent);
  CHECK(only_run(monitor).idle_for_ms >= Duration{60'000});
  Event active = event(EventKind::activity, "pm");
  active.progress = 3;
  tell(monitor, agent, active);
  const RunRow run = only_run(monitor);
  CHECK(run.idle_for_ms < Duration{60'000});
  CHECK(run.progress == 3);
}

TEST_CASE("mark_idle") {
  const Hbmond monitor;
  EventPublisher agent{monitor.endpoints().events};
  Event started = registration("pm");
  started.idle_for_ms = Duration{60'000};
  tell(monitor, agent, started);
  tell(monitor, agent, event(EventKind::idle, "pm"));
  const RunRow run = only_run(monitor);
  CHECK(run.status == "idle");
  CHECK(run.idle_for_ms >= Duration{60'000});  // being idle is no activity
  const RunCounts counts = ask<StatusReply>(monitor, StatusRequest{}).counts;
  CHECK(counts.idle == 1);
  CHECK(counts.running == 0);
}

TEST_CASE("heartbeat_start_stop") {
  Hbmond monitor{{"--check-interval-ms=1234"}};
  CHECK(ask<StatusReply>(monitor, StatusRequest{}).monitor.running);
  CHECK(monitor.stop(Duration{1'000}) == 0);
  CHECK(monitor.log().find("HeartbeatMonitor: started (check interval: 1234ms)") !=
        std::string::npos);
  CHECK(monitor.log().find("HeartbeatMonitor: stopped") != std::string::npos);
}

TEST_CASE("stale_agent_detection") {
  const Hbmond monitor{{"--stale-threshold-ms=200"}};
  EventPublisher agent{monitor.endpoints().events};
  Event event = registration("dev");
  event.task_id = "TASK-2";
  tell(monitor, agent, event);
  const Alert alert = first_alert(monitor);
  CHECK(alert.kind == "stale");
  CHECK(alert.severity == "warning");
  CHECK(alert.agent_id == "dev");
  CHECK(alert.task_id == "TASK-2");
  CHECK(alert.idle_ms > Duration{200});
  CHECK(alert.threshold_ms == Duration{200});
  CHECK(alert.message ==
        "Stale agent detected: dev idle for " + std::to_string(alert.idle_seconds) + "s");
  CHECK(only_run(monitor).stale);  // it stays in flight
}

TEST_CASE("timeout_agent_detection") {
  const Hbmond monitor{{"--stale-threshold-ms=3600000", "--timeout-threshold-ms=300"}};
  EventPublisher agent{monitor.endpoints().events};
  Event event = registration("dev");
  event.task_id = "TASK-3";
  tell(monitor, agent, event);
  const Alert alert = first_alert(monitor);
  CHECK(alert.kind == "timeout");
  CHECK(alert.severity == "error");
  CHECK(alert.elapsed_ms > Duration{300});
  CHECK(alert.message == "Timeout: agent dev running for 0min (task: TASK-3)");
  CHECK(in_flight(monitor).empty());  // auto-recovery
}

TEST_CASE("unregister_agent") {
  const Hbmond monitor;
  EventPublisher agent{monitor.endpoints().events};
  tell(monitor, agent, registration("pm"));
  Event last = event(EventKind::unregister, "pm");
  last.outcome = "done";
  tell(monitor, agent, last);
  CHECK(in_flight(monitor).empty());
  StatusClient client{monitor.endpoints().status, time_limit};
  const Answer<AgentReply> answer = client.ask(AgentRequest{"pm", {}});
  REQUIRE(std::holds_alternative<Error>(answer));
  CHECK(std::get<Error>(answer).code == "not_found");
  CHECK(std::get<Error>(answer).ended_by == "unregister");
  CHECK(std::get<Error>(answer).outcome == "done");
}

TEST_CASE("get_status") {
  const Hbmond monitor{{"--check-interval-ms=1000", "--stale-threshold-ms=2000000",
                        "--timeout-threshold-ms=3000000", "--no-stale-warning-only-once"}};
  EventPublisher agent{monitor.endpoints().events};
  tell(monitor, agent, registration("pm"));
  const StatusReply reply = ask<StatusReply>(monitor, StatusRequest{});
  CHECK(reply.status == "online");
  CHECK(reply.monitor.running);
  CHECK(reply.monitor.agents_monitoring == 1);
  CHECK(reply.monitor.agents == std::vector<std::string>{"pm"});
  CHECK(reply.monitor.config.check_interval_ms == Duration{1'000});
  CHECK(reply.monitor.config.stale_threshold_ms == Duration{2'000'000});
  CHECK(reply.monitor.config.timeout_threshold_ms == Duration{3'000'000});
  CHECK_FALSE(reply.monitor.config.stale_warning_only_once);
  CHECK(reply.in_flight_agents.size() == 1);
  CHECK_FALSE(reply.health.epoch.empty());
  CHECK_FALSE(reply.timestamp.empty());
}

TEST_CASE("get_in_flight_agents") {
  const Hbmond monitor;
  EventPublisher agent{monitor.endpoints().events};
  for (const std::string_view name : {"pm", "dev", "qa"}) {
    Event event = registration(name);
    event.task_id = name;
    tell(monitor, agent, event);
  }
  tell(monitor, agent, event(EventKind::unregister, "dev"));
  std::set<std::string> names;
  for (const RunRow& run : in_flight(monitor)) {
    CHECK(run.task_id == run.agent_id);
    names.insert(run.agent_id);
  }
  CHECK(names == std::set<std::string>{"pm", "qa"});
}

TEST_CASE("stale_warning_only_once") {
  const Hbmond monitor{{"--stale-threshold-ms=200", "--check-interval-ms=50"}};
  EventPublisher agent{monitor.endpoints().events};
  tell(monitor, agent, registration("dev"));
  // Its end shows that many check intervals have passed.
  Event clock = registration("clock");
  clock.stale_after_ms = Duration{60'000};
  clock.timeout_after_ms = Duration{800};
  tell(monitor, agent, clock);
  const std::vector<Alert> alerts = alerts_until(monitor, nth("timeout", 1));
  CHECK(alerts.size() == 2);
  CHECK(count_of(alerts, "dev", "stale") == 1);
}

TEST_CASE("stale_warning_multiple_times") {
  const Hbmond monitor{
      {"--stale-threshold-ms=200", "--check-interval-ms=100", "--no-stale-warning-only-once"}};
  EventPublisher agent{monitor.endpoints().events};
  tell(monitor, agent, registration("dev"));
  const std::vector<Alert> alerts = alerts_until(monitor, nth("stale", 3));
  REQUIRE(alerts.size() == 3);
  CHECK(alerts[1].id == alerts[0].id);
  CHECK(alerts[2].id == alerts[0].id);
  CHECK(alerts[2].idle_ms >= alerts[0].idle_ms + Duration{200});
}

TEST_CASE("multiple_agents_concurrent") {
  constexpr int processes = 8;
  constexpr int agents_each = 25;
  const Hbmond monitor;
  std::vector<std::string> failures(processes);
  std::vector<std::thread> threads;
  for (int process = 0; process < processes; ++process) {
    // Catch2's assertions are for one thread only.
    threads.emplace_back(
        [&monitor, &failure = failures[static_cast<std::size_t>(process)], process] {
          EventPublisher publisher{monitor.endpoints().events};
          if (!publisher.wait_for_monitor(time_limit)) {
            failure = "no subscription";
          }
          for (int agent = 0; agent < agents_each; ++agent) {
            const std::string name = std::to_string(process) + "-" + std::to_string(agent);
            if (!publisher.publish(registration(name), time_limit) ||
                !publisher.publish(event(EventKind::activity, name), time_limit)) {
              failure = "not published: " + name;
            }
          }
          StatusClient client{monitor.endpoints().status, time_limit};
          for (;;) {
            const auto answer = client.ask(PingRequest{publisher.source()});
            const auto* reply = std::get_if<PingReply>(&answer);
            if (reply == nullptr) {
              failure = "no answer";
              return;
            }
            if (reply->source_seq == publisher.seq()) {
              return;
            }
          }
        });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(failures == std::vector<std::string>(processes));
  CHECK(in_flight(monitor).size() == processes * agents_each);
}

TEST_CASE("reset_stale_count_on_new_registration") {
  const Hbmond monitor{{"--stale-threshold-ms=200", "--no-stale-rearm"}};
  EventPublisher agent{monitor.endpoints().events};
  tell(monitor, agent, registration("dev"));
  alerts_until(monitor, nth("stale", 1));
  tell(monitor, agent, registration("dev"));
  const std::vector<Alert> alerts = alerts_until(monitor, nth("stale", 2));
  REQUIRE(alerts.size() == 3);
  CHECK(alerts[1].kind == "resolved");
  CHECK(alerts[1].reason == "re-registered");
  CHECK(alerts[1].id == alerts[0].id);
  CHECK(alerts[2].id != alerts[0].id);
}

}  // namespace
}  // namespace heartbeat::test
