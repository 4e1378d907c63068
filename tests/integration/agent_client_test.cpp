// The agents' client against the real monitor, its restarts and a cable that is cut.
#include "heartbeat/agent_client.hpp"

#include <atomic>
#include <chrono>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "allocations.hpp"
#include "cable.hpp"
#include "hbmond.hpp"
#include "support/state_files.hpp"

namespace heartbeat::test {
namespace {

AgentClientOptions to(const Hbmond& monitor, Duration beat_interval = Duration{20}) {
  AgentClientOptions options;
  options.events = monitor.endpoints().events;
  options.beat_interval = beat_interval;
  options.linger = time_limit;
  return options;
}

std::optional<RunDetail> run_of(const Hbmond& monitor, const std::string& agent_id) {
  StatusClient client{monitor.endpoints().status, time_limit};
  auto answer = client.ask(AgentRequest{agent_id, std::nullopt});
  const auto* reply = std::get_if<AgentReply>(&answer);
  return reply == nullptr ? std::nullopt : std::optional{reply->runs.front()};
}

// The silence limit in force is that promise, less the time since it was made.
bool is_promise(const RunDetail& run, Duration made) {
  return run.stale_after_from == "promise" && run.stale_after_ms <= made &&
         run.stale_after_ms > made - time_limit;
}

std::string outcome_of(const Hbmond& monitor, const std::string& agent_id) {
  StatusClient client{monitor.endpoints().status, time_limit};
  const auto answer = client.ask(AgentRequest{agent_id, std::nullopt});
  const auto* error = std::get_if<Error>(&answer);
  return error == nullptr || !error->outcome ? std::string{} : *error->outcome;
}

TEST_CASE("a run is a scope: it registers, reports, and unregisters") {
  const Hbmond monitor;
  AgentClient client{to(monitor)};
  {
    AgentRun run{client,
                 {.agent_id = "pm",
                  .run_id = "r1",
                  .task_id = "T-1",
                  .agent_type = "planner",
                  .phase = "start",
                  .detail = "a\nb",
                  .promise = std::chrono::minutes{10},
                  .timeout_after = std::chrono::hours{2}}};
    wait_until([&] { return run_of(monitor, "pm").has_value(); });
    auto row = *run_of(monitor, "pm");
    CHECK(row.run_id == "r1");
    CHECK(row.task_id == "T-1");
    CHECK(row.agent_type == "planner");
    CHECK(row.phase == "start");
    CHECK(row.detail == "a b");
    CHECK(is_promise(row, std::chrono::minutes{10}));
    CHECK(row.timeout_after_ms == std::chrono::hours{2});
    CHECK_FALSE(row.adopted);

    run.progress(7);
    wait_until([&] { return run_of(monitor, "pm")->progress == 7; });
    CHECK(run_of(monitor, "pm")->stale_after_from == "configuration");  // activity ends a promise
    run.idle();
    wait_until([&] { return run_of(monitor, "pm")->status == "idle"; });
    run.phase("waiting:human");
    wait_until([&] { return run_of(monitor, "pm")->phase == "waiting:human"; });
    CHECK(run_of(monitor, "pm")->status == "idle");
    run.promise(std::chrono::minutes{3});
    wait_until([&] { return is_promise(*run_of(monitor, "pm"), std::chrono::minutes{3}); });
    CHECK(run_of(monitor, "pm")->status == "idle");
    run.activity();
    wait_until([&] { return run_of(monitor, "pm")->status == "running"; });
    run.detail("x");
    wait_until([&] { return run_of(monitor, "pm")->detail == "x"; });
  }
  wait_until([&] { return outcome_of(monitor, "pm") == "done"; });
  CHECK(counter(monitor, "events_lost_total") == 0);
  CHECK(counter(monitor, "events_zombie_total") == 0);
}

TEST_CASE("a scope that an exception leaves has failed; finish says it in other words") {
  const Hbmond monitor;
  AgentClient client{to(monitor)};
  try {
    const AgentRun run{client, {.agent_id = "unlucky"}};
    throw std::runtime_error("the work");
  } catch (const std::runtime_error&) {
    // and one that begins and ends while another exception is dealt with has not
    const AgentRun cleaning{client, {.agent_id = "cleaner"}};
  }
  AgentRun run{client, {.agent_id = "own"}};
  run.finish("given up");
  run.phase("too late");
  wait_until([&] { return outcome_of(monitor, "own") == "given up"; });
  CHECK(outcome_of(monitor, "unlucky") == "failed");
  CHECK(outcome_of(monitor, "cleaner") == "done");
  CHECK(counter(monitor, "events_zombie_total") == 0);
}

TEST_CASE("activity is sent once a beat, however often it is called") {
  const Hbmond monitor;
  AgentClient client{to(monitor, Duration{100})};
  AgentRun run{client, {.agent_id = "busy"}};
  const auto end = std::chrono::steady_clock::now() + Duration{1'000};
  while (std::chrono::steady_clock::now() < end) {
    run.activity();
  }
  CHECK(client.counts().events_sent_total >= 3);
  CHECK(client.counts().events_sent_total <= 12);
}

TEST_CASE("reporting activity allocates nothing") {
  const Hbmond monitor;
  AgentClient client{to(monitor)};
  AgentRun run{client, {.agent_id = "pm"}};
  const std::size_t before = allocations();
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    run.activity();
    run.progress(i);
  }
  CHECK(allocations() == before);
  run.phase("one that does not fit into a small string");
  CHECK(allocations() > before);  // the count counts
}

TEST_CASE("each form of new is counted") {
  const auto counted = [](const auto& allocate) {
    const std::size_t before = allocations();
    allocate();
    return allocations() - before;
  };
  constexpr std::align_val_t aligned{128};
  CHECK(counted([] { ::operator delete(::operator new(1)); }) == 1);
  CHECK(counted([] { ::operator delete[](::operator new[](1)); }) == 1);
  CHECK(counted([] { ::operator delete(::operator new(1, std::nothrow)); }) == 1);
  CHECK(counted([] { ::operator delete[](::operator new[](1, std::nothrow)); }) == 1);
  CHECK(counted([] { ::operator delete(::operator new(1, aligned), aligned); }) == 1);
  CHECK(counted([] { ::operator delete[](::operator new[](1, aligned), aligned); }) == 1);
  CHECK(counted([] { ::operator delete(::operator new(1, aligned, std::nothrow), aligned); }) == 1);
}

TEST_CASE("a monitor that comes later is told what happened meanwhile, with its age") {
  Hbmond monitor;
  const auto options = to(monitor);
  REQUIRE(monitor.stop(time_limit) == 0);
  AgentClient client{options};
  AgentRun run{client, {.agent_id = "early", .timeout_after = std::chrono::hours{2}}};
  run.idle();
  { const AgentRun brief{client, {.agent_id = "brief"}}; }
  CHECK(client.counts().changes_waiting == 4);
  CHECK_FALSE(client.counts().connected);
  const auto began = std::chrono::steady_clock::now();
  monitor.start();
  wait_until([&] { return outcome_of(monitor, "brief") == "done"; });
  const auto waited = std::chrono::steady_clock::now() - began;
  const auto row = *run_of(monitor, "early");
  CHECK(row.status == "idle");
  CHECK_FALSE(row.adopted);
  CHECK(row.timeout_after_ms == std::chrono::hours{2});
  CHECK(row.running_for_ms <= std::chrono::ceil<Duration>(waited) + Duration{2'000});
  CHECK(client.counts().changes_waiting == 0);
}

TEST_CASE("after a reconnection the last changes count once, and a new monitor knows each run") {
  Hbmond monitor{{"--stale-threshold-ms=60000"}};
  auto options = to(monitor);
  options.events += "-cable";
  Cable cable{options.events, monitor.endpoints().events};
  AgentClient client{options};
  AgentRun idle{client, {.agent_id = "idle", .task_id = "T-2"}};
  AgentRun hung{client, {.agent_id = "hung"}};
  AgentRun promised{client, {.agent_id = "promised"}};
  idle.progress(5);
  idle.idle();
  promised.promise(std::chrono::minutes{10});
  wait_until([&] { return run_of(monitor, "promised").has_value(); });
  const auto started = run_of(monitor, "hung")->started_at;
  std::this_thread::sleep_for(Duration{5'500});  // longer than changes are sent again

  idle.phase("still here");
  { const AgentRun brief{client, {.agent_id = "brief"}}; }
  wait_until([&] { return outcome_of(monitor, "brief") == "done"; });
  cable.cut();
  wait_until([&] { return client.counts().subscriptions_total == 2; });
  idle.detail("x");
  wait_until([&] { return run_of(monitor, "idle")->detail == "x"; });
  CHECK(counter(monitor, "events_duplicate_total") == 3);
  CHECK(counter(monitor, "sources_restarted_total") == 0);
  CHECK(counter(monitor, "events_lost_total") == 0);
  CHECK(counter(monitor, "runs_started_total") == 4);
  CHECK(run_of(monitor, "hung")->idle_for_ms >= Duration{5'000});

  monitor.kill();
  monitor.start();
  wait_until([&] { return counter(monitor, "runs_in_flight") == 3; });
  CHECK(run_of(monitor, "idle")->status == "idle");
  CHECK(run_of(monitor, "idle")->task_id == "T-2");
  CHECK(run_of(monitor, "idle")->phase == "still here");
  CHECK(run_of(monitor, "idle")->progress == 5);
  CHECK(run_of(monitor, "hung")->adopted);  // told as activity, not as a register
  CHECK(run_of(monitor, "hung")->idle_for_ms >= Duration{5'000});
  CHECK(std::chrono::abs(run_of(monitor, "hung")->started_at - started) < Duration{1'000});
  const auto rest = run_of(monitor, "promised")->stale_after_ms;
  CHECK(rest < std::chrono::minutes{10} - Duration{5'000});
  CHECK(rest > std::chrono::minutes{9});
}

TEST_CASE("a reconnection ends no episode of a promise that was broken, and says nothing twice") {
  Hbmond monitor{{"--stale-threshold-ms=60000"}};
  auto options = to(monitor);
  options.events += "-cable";
  Cable cable{options.events, monitor.endpoints().events};
  AgentClient client{options};
  AgentRun hangs{client, {.agent_id = "hangs", .detail = "x"}};
  AgentRun waits{client, {.agent_id = "waits"}};
  hangs.progress(3);
  wait_until([&] { return run_of(monitor, "hangs") && run_of(monitor, "hangs")->progress == 3; });
  hangs.promise(Duration{100});
  waits.idle();
  waits.promise(Duration{100});
  wait_until([&] { return last_seq(monitor) == 2; });
  std::this_thread::sleep_for(Duration{5'500});  // longer than changes are sent again
  for (std::uint64_t connection = 2; connection <= 4; ++connection) {
    cable.cut();
    wait_until([&] { return client.counts().subscriptions_total == connection; });
    const std::string told = "connection " + std::to_string(connection);
    { const AgentRun probe{client, {.agent_id = told}}; }
    wait_until([&] { return outcome_of(monitor, told) == "done"; });
  }
  CHECK(last_seq(monitor) == 2);
  CHECK(run_of(monitor, "hangs")->stale);
  CHECK(run_of(monitor, "waits")->stale);
  hangs.activity();
  wait_until([&] { return last_seq(monitor) == 3; });
  wait_until([&] { return run_of(monitor, "hangs")->status == "running"; });
}

TEST_CASE(
    "a monitor that knows nothing of a broken promise warns of the silence by its own limit") {
  Hbmond monitor{{"--stale-threshold-ms=6000"}};
  AgentClient client{to(monitor)};
  AgentRun hangs{client, {.agent_id = "hangs", .detail = "x", .promise = Duration{100}}};
  wait_until([&] { return last_seq(monitor) == 1; });
  std::this_thread::sleep_for(Duration{5'500});  // longer than changes are sent again
  monitor.kill();
  monitor.start();
  wait_until([&] { return last_seq(monitor) == 1; });
  const auto run = *run_of(monitor, "hangs");
  CHECK(run.stale);
  CHECK(run.detail == "x");
  CHECK(run.idle_for_ms > Duration{6'000});
  CHECK(run.idle_for_ms < Duration{6'000} + time_limit / 4);
}

TEST_CASE("a monitor that comes late accuses no busy worker, however much it is told at once") {
  constexpr Duration threshold{4'000};
  Hbmond monitor{{"--stale-threshold-ms=" + std::to_string(threshold.count())}};
  monitor.kill();
  AgentClient client{to(monitor)};
  std::vector<std::unique_ptr<AgentRun>> runs;
  for (int i = 0; i < 5'000; ++i) {
    runs.push_back(
        std::make_unique<AgentRun>(client, AgentRunOptions{.agent_id = std::to_string(i)}));
  }
  const auto work_until = [&](const auto& done) {
    wait_until([&] {
      for (const auto& run : runs) {
        run->activity();
      }
      return done();
    });
  };
  const auto begun = std::chrono::steady_clock::now();
  work_until([&] { return std::chrono::steady_clock::now() - begun > threshold * 5 / 4; });
  monitor.start();
  work_until([&] { return counter(monitor, "runs_in_flight") == 5'000; });
  const auto known = std::chrono::steady_clock::now();
  work_until([&] { return std::chrono::steady_clock::now() - known > Duration{1'000}; });
  CHECK(last_seq(monitor) == 0);
}

TEST_CASE("a run that follows another of its name while there is no monitor is no zombie of it") {
  Hbmond monitor;
  AgentClient client{to(monitor)};
  wait_until([&] { return client.counts().connected; });
  monitor.kill();
  wait_until([&] { return !client.counts().connected; });
  { const AgentRun run{client, {.agent_id = "pm"}}; }
  const AgentRun last{client, {.agent_id = "pm"}};
  monitor.start();
  wait_until([&] { return run_of(monitor, "pm").has_value(); });
  CHECK(counter(monitor, "events_zombie_total") == 0);
  CHECK(counter(monitor, "runs_started_total") == 2);
}

TEST_CASE("short runs of one name each begin and end") {
  const Hbmond monitor;
  AgentClient client{to(monitor)};
  constexpr int runs = 2'000;
  for (int i = 0; i < runs; ++i) {
    AgentRun run{client, {.agent_id = "pm"}};
    run.activity();
  }
  wait_until([&] { return counter(monitor, "runs_unregistered_total") == runs; });
  CHECK(counter(monitor, "runs_started_total") == runs);
  CHECK(counter(monitor, "events_zombie_total") == 0);
  CHECK(counter(monitor, "events_ignored_total") == 0);
}

TEST_CASE("what one thread says of a run that another ends comes before the end or not at all") {
  const Hbmond monitor;
  auto options = to(monitor);
  options.changes_max = 10'000'000;  // the other thread says as much as it can
  AgentClient client{options};
  constexpr int runs = 500;
  for (int i = 0; i < runs; ++i) {
    AgentRun run{client, {.agent_id = "pm", .run_id = std::to_string(i)}};
    std::atomic<bool> speaks = false;
    std::atomic<bool> over = false;
    std::thread other([&] {
      while (!over) {
        run.phase("works");
        speaks = true;
        speaks.notify_one();
      }
    });
    speaks.wait(false);
    run.finish("done");
    over = true;
    other.join();
  }
  wait_until([&] { return client.counts().changes_waiting == 0; });
  wait_until([&] { return counter(monitor, "runs_unregistered_total") == runs; });
  client.stop();
  CHECK(counter(monitor, "events_zombie_total") == 0);
}

TEST_CASE("a worker that hangs is warned about at its time although the sender goes on") {
  const Hbmond monitor{{"--stale-threshold-ms=1000"}};
  AgentClient client{to(monitor)};
  AgentRun hangs{client, {.agent_id = "hangs"}};
  std::atomic<bool> over = false;
  std::thread worker([&] {
    AgentRun works{client, {.agent_id = "works"}};
    while (!over) {
      works.activity();
      std::this_thread::yield();
    }
  });
  wait_until([&] { return run_of(monitor, "hangs").has_value(); });
  const Notices notices = notices_until(
      monitor.endpoints(), [](const auto& notice) { return notice.alert.kind == "stale"; });
  over = true;
  worker.join();
  CHECK(notices.back().alert.agent_id == "hangs");
  CHECK(notices.back().alert.idle_ms > Duration{1'000});
  CHECK(notices.back().alert.idle_ms < Duration{1'500});
}

TEST_CASE("what cannot be told is counted, and nothing throws") {
  const Hbmond monitor;
  auto options = to(monitor);
  options.changes_max = 3;
  options.events += "-nobody";
  options.linger = Duration{0};
  AgentClient client{options};
  AgentRun nameless{client, {.agent_id = ""}};
  AgentRun endless{client, {.agent_id = std::string(129, 'x')}};
  nameless.activity();
  nameless.idle();
  CHECK(client.counts().changes_dropped_total == 2);
  AgentRun run{client, {.agent_id = "pm"}};
  run.idle();
  run.phase("one");
  run.phase("two");
  wait_until([&] { return client.counts().changes_dropped_total == 3; });
  wait_until([&] { return client.counts().changes_waiting == 3; });
  options.beat_interval = Duration{0};
  CHECK_THROWS_AS(AgentClient{options}, std::invalid_argument);
  options = to(monitor);
  options.events = "smoke://signals";
  CHECK_THROWS_AS(AgentClient{options}, std::invalid_argument);
}

TEST_CASE("a client that may give up does so when nobody has ever been there") {
  const Hbmond monitor;
  auto options = to(monitor);
  options.linger_when_refused = false;
  for (const std::string& nobody : {options.events + "-nobody", std::string("tcp://127.0.0.1:1")}) {
    auto absent = options;
    absent.events = nobody;
    const auto begun = std::chrono::steady_clock::now();
    AgentClient client{absent};
    { const AgentRun run{client, {.agent_id = "pm"}}; }
    client.stop();
    CHECK(client.counts().changes_dropped_total == 2);
    CHECK(std::chrono::steady_clock::now() - begun < options.linger / 2);
  }
}

TEST_CASE("a client that may give up loses nothing where the monitor is") {
  Hbmond monitor;
  auto options = to(monitor);
  options.linger_when_refused = false;
  for (int i = 0; i < 50; ++i) {
    const std::string name = "agent" + std::to_string(i);
    AgentClient client{options};
    { const AgentRun run{client, {.agent_id = name}}; }
    client.stop();
    CHECK(client.counts().changes_dropped_total == 0);
    wait_until([&] { return outcome_of(monitor, name) == "done"; });
  }
  AgentClient client{options};
  AgentRun run{client, {.agent_id = "waits"}};
  wait_until([&] { return run_of(monitor, "waits").has_value(); });
  monitor.kill();  // it was there, so it may come back
  wait_until([&] { return !client.counts().connected; });
  run.finish("done");
  std::thread ending{[&] { client.stop(); }};
  const auto refused_by = std::chrono::steady_clock::now() + Duration{500};  // more than once
  wait_until([&] { return std::chrono::steady_clock::now() >= refused_by; });
  monitor.start();
  ending.join();
  CHECK(client.counts().changes_dropped_total == 0);
}

TEST_CASE(
    "an end that died with the monitor is told to the next one, also by a client that stops") {
  const store::Folder folder;
  Hbmond monitor{{"--state=" + folder.file()}};
  auto options = to(monitor);
  options.events += "-cable";
  Cable cable{options.events, monitor.endpoints().events};
  AgentClient client{options};
  AgentRun run{client, {.agent_id = "pm"}};
  wait_until([&] { return run_of(monitor, "pm").has_value(); });
  cable.hold();
  run.finish("done");
  wait_until([&] { return client.counts().changes_waiting == 0; });
  monitor.kill();
  wait_until([&] { return !client.counts().connected; });
  cable.release();
  std::thread ending{[&] { client.stop(); }};
  monitor.start();
  ending.join();
  wait_until([&] { return outcome_of(monitor, "pm") == "done"; });
}

TEST_CASE("a client stops at once where nothing that it said can have died with the monitor") {
  Hbmond monitor;
  AgentClient client{to(monitor)};
  { const AgentRun run{client, {.agent_id = "pm"}}; }
  wait_until([&] { return outcome_of(monitor, "pm") == "done"; });
  std::this_thread::sleep_for(Duration{5'500});  // longer than changes are sent again
  monitor.kill();
  wait_until([&] { return !client.counts().connected; });
  const auto begun = std::chrono::steady_clock::now();
  client.stop();
  CHECK(std::chrono::steady_clock::now() - begun < time_limit / 2);
}

TEST_CASE("a client may linger for as long as a duration can be") {
  const Hbmond monitor;
  auto options = to(monitor);
  options.linger = Duration::max();
  AgentClient client{options};
  { const AgentRun run{client, {.agent_id = "pm"}}; }
  client.stop();
  CHECK(client.counts().changes_dropped_total == 0);
  wait_until([&] { return outcome_of(monitor, "pm") == "done"; });
}

TEST_CASE("a run may outlive its client") {
  const Hbmond monitor;
  auto client = std::make_unique<AgentClient>(to(monitor));
  AgentRun run{*client, {.agent_id = "pm"}};
  client.reset();
  wait_until([&] { return run_of(monitor, "pm").has_value(); });
  run.activity();
  run.idle();
}

TEST_CASE("process_wide_client") {
  const Hbmond monitor;
  CHECK_THROWS_AS(process_client::get(), std::logic_error);
  process_client::init(to(monitor));
  CHECK_THROWS_AS(process_client::init(to(monitor)), std::logic_error);
  { const AgentRun run{process_client::get(), {.agent_id = "pm"}}; }
  process_client::stop();
  wait_until([&] { return outcome_of(monitor, "pm") == "done"; });  // stop() has sent everything
  process_client::stop();
  CHECK_THROWS_AS(process_client::get(), std::logic_error);
  process_client::init(to(monitor));
  process_client::stop();
}

}  // namespace
}  // namespace heartbeat::test
