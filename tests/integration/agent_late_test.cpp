// The agents' client where the network holds back what it sends, longer than an agent's start may
// seem to differ.
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

  void all_is_sent() const {
    wait_until([&] { return client_->counts().changes_waiting == 0; });
  }

  Hbmond monitor_;
  AgentClientOptions options_;
  std::optional<Cable> cable_;
  std::optional<AgentClient> client_;
};

TEST_CASE_METHOD(LateTest, "an agent that hung and was replaced counts for nothing") {
  AgentRun hung{*client_, {.agent_id = "pm"}};
  wait_until([&] { return run_of("pm").has_value(); });
  let_pass(start_slack + Duration{500});
  AgentClient other{options_};
  AgentRun replaces{other, {.agent_id = "pm"}};
  wait_until([&] { return counter(monitor_, "runs_started_total") == 2; });
  hung.activity();
  wait_until([&] { return counter(monitor_, "events_zombie_total") >= 1; });
  hung.finish("done");
  wait_until([&] { return counter(monitor_, "events_zombie_total") >= 2; });
  CHECK(run_of("pm").has_value());
  replaces.progress(7);
  wait_until([&] { return run_of("pm")->progress == 7; });
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
