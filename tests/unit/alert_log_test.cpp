#include "daemon/alert_log.hpp"

#include "support/catch.hpp"
#include "wire/decode.hpp"

namespace heartbeat::daemon {
namespace {

constexpr std::size_t page_bytes = 1024 * 1024;
constexpr WallTime wall{Duration{1'700'000'000'000}};

core::Transition stale(const std::string& agent_id) {
  core::Transition transition;
  transition.kind = core::TransitionKind::stale;
  transition.episode = 7;
  transition.agent_id = agent_id;
  transition.idle = Duration{301'999};
  transition.elapsed = Duration{630'000};
  transition.threshold = Duration{300'000};
  return transition;
}

std::string message_of(const core::Transition& transition) {
  AlertLog log("e", 10);
  return log.add(transition, wall, false).alert.message;
}

}  // namespace

TEST_CASE("a stale transition becomes a numbered warning") {
  AlertLog log("cafe", 10);
  const auto& entry = log.add(stale("pm"), wall, false);
  CHECK(entry.topic == "alert.warning.stale.pm");
  Alert alert;
  REQUIRE_FALSE(wire::decode_message(entry.payload, alert));
  CHECK(alert.epoch == "cafe");
  CHECK(alert.seq == 1);
  CHECK(alert.id == "cafe-7");
  CHECK(alert.severity == "warning");
  CHECK(alert.kind == "stale");
  CHECK(alert.message == "Stale agent detected: pm idle for 301s");
  CHECK(alert.idle_seconds == 301);
  CHECK(alert.elapsed_minutes == 10);
  CHECK(alert.threshold_ms == Duration{300'000});
  CHECK(alert.raised_at == wall);
  CHECK(alert.supersedes.empty());
  CHECK(alert.source == "heartbeat-monitor");
  CHECK(log.published(core::TransitionKind::stale) == 0);
  log.published_next();
  CHECK(log.published(core::TransitionKind::stale) == 1);
}

TEST_CASE("an alert carries nothing over from the one that was published before it") {
  const auto payload_of = [](AlertLog& log, const core::Transition& transition) {
    std::string payload = log.add(transition, wall, false).payload;
    log.published_next();
    return payload;
  };
  core::Transition full = stale("an-agent-of-a-long-name");
  full.kind = core::TransitionKind::storm;
  full.run_id = full.task_id = full.agent_type = "something";
  full.supersedes = full.storm = full.since = 1;
  full.lost_events = 3;
  full.blind = Duration{4};
  full.runs = full.of_runs = 5;
  AlertLog used("e", 10);
  used.add(full, wall, true);
  used.published_next();
  AlertLog fresh("e", 10);
  payload_of(fresh, stale("other"));
  CHECK(payload_of(used, stale("pm")) == payload_of(fresh, stale("pm")));
}

TEST_CASE("a timeout names the task, and the stale episode that it closes") {
  core::Transition timeout = stale("pm");
  timeout.kind = core::TransitionKind::timeout;
  timeout.episode = 9;
  timeout.supersedes = 7;
  timeout.elapsed = Duration{1'859'000};
  CHECK(message_of(timeout) == "Timeout: agent pm running for 30min (task: unknown)");
  timeout.task_id = "t1";
  CHECK(message_of(timeout) == "Timeout: agent pm running for 30min (task: t1)");
  AlertLog log("e", 10);
  const auto& entry = log.add(timeout, wall, false);
  CHECK(entry.topic == "alert.error.timeout.pm");
  CHECK(entry.alert.supersedes == "e-7");
}

TEST_CASE("each reason of a resolved has its own words") {
  core::Transition resolved = stale("pm");
  resolved.kind = core::TransitionKind::resolved;
  resolved.reason = core::Reason::activity;
  CHECK(message_of(resolved) == "Resolved: agent pm active again after 301s");
  resolved.reason = core::Reason::unregistered;
  CHECK(message_of(resolved) == "Resolved: agent pm unregistered after 301s");
  resolved.reason = core::Reason::re_registered;
  CHECK(message_of(resolved) == "Resolved: agent pm registered again after 301s");
  resolved.reason = core::Reason::promise;
  CHECK(message_of(resolved).starts_with("Resolved: agent pm announced"));
}

TEST_CASE("a capacity alert concerns no agent") {
  core::Transition capacity;
  capacity.kind = core::TransitionKind::capacity;
  capacity.episode = 1;
  capacity.runs = capacity.of_runs = 5;
  AlertLog log("e", 10);
  const auto& entry = log.add(capacity, wall, false);
  CHECK(entry.topic == "alert.error.capacity.");
  CHECK(entry.alert.message == "Capacity: 5 of 5 runs in flight, new runs go unwatched");
}

TEST_CASE("an alert log keeps the last alerts and says from where on") {
  AlertLog log("e", 3);
  CHECK(log.page(0, std::nullopt, 10, page_bytes).first_seq == 1);
  CHECK(log.page(0, std::nullopt, 10, page_bytes).last_seq == 0);
  for (int i = 0; i < 5; ++i) {
    log.add(stale("pm"), wall, false);
    log.published_next();
  }
  const auto all = log.page(0, std::nullopt, 10, page_bytes);
  CHECK(all.first_seq == 3);
  CHECK(all.last_seq == 5);
  REQUIRE(all.alerts.size() == 3);
  Alert first;
  REQUIRE_FALSE(wire::decode_message(all.alerts[0].bytes, first));
  CHECK(first.seq == 3);
  CHECK(log.page(4, std::nullopt, 10, page_bytes).alerts.size() == 1);
  CHECK(log.page(5, std::nullopt, 10, page_bytes).alerts.empty());
  CHECK(log.page(UINT64_MAX, std::nullopt, 10, page_bytes).alerts.empty());
  CHECK(log.page(0, std::nullopt, 2, page_bytes).alerts.size() == 2);
  CHECK(log.page(4, "e", 10, page_bytes).alerts.size() == 1);
  CHECK(log.page(4, "another", 10, page_bytes).alerts.size() == 3);
}

TEST_CASE("a page of alerts stays below its bytes, but is never empty") {
  AlertLog log("e", 100'000);
  core::Transition transition = stale(std::string(128, 'x'));
  transition.run_id = transition.task_id = std::string(128, 'y');
  for (int i = 0; i < 5'000; ++i) {
    log.add(transition, wall, false);
    log.published_next();
  }
  const auto page = log.page(0, std::nullopt, 10'000, page_bytes);
  std::size_t bytes = 0;
  for (const auto& alert : page.alerts) {
    bytes += alert.bytes.size();
  }
  CHECK(bytes <= page_bytes);
  CHECK(page.alerts.size() > 500);
  CHECK(page.last_seq == 5'000);
  CHECK(log.page(0, std::nullopt, 10'000, 1).alerts.size() == 1);
}

TEST_CASE("epochs are 16 hexadecimal digits and differ") {
  const std::string epoch = make_epoch();
  CHECK(epoch.size() == 16);
  CHECK(epoch.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(make_epoch() != epoch);
}

}  // namespace heartbeat::daemon
