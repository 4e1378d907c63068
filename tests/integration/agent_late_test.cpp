// The agents' client where the network holds back what it sends, longer than an agent's start may
// seem to differ: the monitor takes a register for as fresh as it was when it was sent.
#include <chrono>
#include <optional>
#include <string>

#include "cable.hpp"
#include "hbmond.hpp"
#include "heartbeat/agent_client.hpp"

namespace heartbeat::test {
namespace {

// Beyond it, what a run says of its start is taken for an earlier run's.
constexpr Duration start_slack{5'000};

class LateTest {
 protected:
  LateTest() {
    options_.events = monitor_.endpoints().events + "-cable";
    options_.beat_interval = Duration{20};
    options_.linger = time_limit;
    cable_.emplace(options_.events, monitor_.endpoints().events);
    client_.emplace(options_);
    wait_until([&] { return client_->counts().connected; });
  }

  static void let_pass(Duration time) {
    const auto until = std::chrono::steady_clock::now() + time;
    wait_until([&] { return std::chrono::steady_clock::now() >= until; });
  }

  std::optional<RunDetail> run_of(const std::string& agent_id) const {
    StatusClient client{monitor_.endpoints().status, time_limit};
    auto answer = client.ask(AgentRequest{agent_id, std::nullopt});
    const auto* reply = std::get_if<AgentReply>(&answer);
    return reply == nullptr ? std::nullopt : std::optional{reply->runs.front()};
  }

  bool has_ended(const std::string& agent_id, const std::string& outcome) const {
    StatusClient client{monitor_.endpoints().status, time_limit};
    const auto answer = client.ask(AgentRequest{agent_id, std::nullopt});
    const auto* error = std::get_if<Error>(&answer);
    return error != nullptr && error->outcome == outcome;
  }

  void all_is_sent() const {
    wait_until([&] { return client_->counts().changes_waiting == 0; });
  }

  // Until the client is connected again.
  void cut() {
    const auto before = client_->counts().subscriptions_total;
    cable_->cut();
    cable_->release();
    wait_until([&] { return client_->counts().subscriptions_total > before; });
  }

  Hbmond monitor_;
  AgentClientOptions options_;
  std::optional<Cable> cable_;
  std::optional<AgentClient> client_;
};

TEST_CASE_METHOD(LateTest, "a run whose register comes late counts as any other") {
  cable_->hold();
  AgentRun run{*client_, {.agent_id = "late"}};
  all_is_sent();
  let_pass(start_slack + Duration{500});
  run.progress(1);
  cable_->release();
  wait_until([&] { return run_of("late").has_value(); });
  run.progress(2);
  wait_until([&] { return run_of("late")->progress == 2; });
  run.phase("works");
  wait_until([&] { return run_of("late")->phase == "works"; });
  CHECK(counter(monitor_, "events_zombie_total") == 0);

  cut();  // its real age is told, which the monitor that knows another start does not believe
  run.progress(3);
  wait_until([&] { return run_of("late")->progress == 3; });
  CHECK(counter(monitor_, "events_zombie_total") <= 1);

  cable_->hold();
  run.finish("done");
  all_is_sent();
  cut();  // the end dies on its way
  wait_until([&] { return has_ended("late", "done"); });
  CHECK(counter(monitor_, "events_zombie_total") <= 2);
  CHECK(counter(monitor_, "events_lost_total") == 0);
}

TEST_CASE_METHOD(LateTest,
                 "what a connection's end left in the queue is not what a monitor hears first") {
  AgentRun run{*client_, {.agent_id = "pm", .task_id = "T-1"}};
  wait_until([&] { return run_of("pm").has_value(); });
  const auto started = run_of("pm")->started_at;
  let_pass(start_slack + Duration{500});
  cable_->hold();
  const std::string detail(400, 'x');
  while (client_->counts().sends_refused_total == 0) {
    run.detail(detail);
    wait_until([&] {
      const auto counts = client_->counts();
      return counts.changes_waiting == 0 || counts.sends_refused_total > 0;
    });
  }
  monitor_.kill();
  monitor_.start();
  cable_->release();
  wait_until([&] { return run_of("pm").has_value() && run_of("pm")->task_id == "T-1"; });
  all_is_sent();
  CHECK(std::chrono::abs(run_of("pm")->started_at - started) < Duration{1'000});
  CHECK(counter(monitor_, "events_zombie_total") == 0);
}

}  // namespace
}  // namespace heartbeat::test
