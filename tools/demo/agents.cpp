// Agents for ./tools/start --demo, one of each fate. All are runs of one client, as in a real
// program: its sender thread goes on while one of them hangs, and that must not hide the hang.
//
// Reports to HB_EVENTS until SIGTERM or SIGINT.
#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <heartbeat/agent_client.hpp>
#include <initializer_list>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using heartbeat::AgentClient;
using heartbeat::AgentRun;
using heartbeat::AgentRunOptions;

// Longer than the demo: only what such a run does otherwise is to show.
constexpr auto long_limit = 10min;
constexpr unsigned workers = 12;

// False once the demo ends.
bool after(std::chrono::seconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

struct Task {
  const char* id;
  std::vector<std::string> phases;  // one a second, over and over
  unsigned steps;
};

// One task after another; then waits for people, and says for how long.
void works(AgentClient& client, const std::stop_token& stop, const AgentRunOptions& who,
           std::initializer_list<Task> tasks) {
  for (const Task& task : tasks) {
    AgentRunOptions options = who;
    options.run_id = options.task_id = task.id;
    AgentRun run(client, options);
    for (unsigned step = 1; step <= task.steps; ++step) {
      run.phase(task.phases[step % task.phases.size()]);
      run.progress(step);
      if (!after(1s, stop)) {
        return;
      }
    }
  }
  AgentRunOptions options = who;
  options.task_id = "waits-for-review";
  options.timeout_after = long_limit;
  AgentRun run(client, options);
  run.idle();
  run.phase("waiting:human");
  run.detail("promised to be back within ten minutes");
  run.promise(10min);
  while (after(1s, stop)) {
  }
}

void hangs(AgentClient& client, const std::stop_token& stop) {
  AgentRun run(client, {.agent_id = "coder-hangs",
                        .task_id = "fix-login-bug",
                        .agent_type = "coder",
                        .phase = "tool:run_tests",
                        .timeout_after = long_limit});
  for (unsigned step = 1; step <= 2 && after(1s, stop); ++step) {
    run.progress(step);
  }
  run.detail("waiting for a test that never returns");
  while (after(1h, stop)) {
  }
}

void never_ends(AgentClient& client, const std::stop_token& stop) {
  AgentRun run(client, {.agent_id = "crawler-endless",
                        .task_id = "crawl-all-the-docs",
                        .agent_type = "researcher",
                        .phase = "tool:web_search"});
  for (unsigned page = 1; after(1s, stop); ++page) {
    run.progress(page);
  }
}

// Silent for longer than the others may be, and says so before.
void promises(AgentClient& client, const std::stop_token& stop) {
  AgentRun run(client, {.agent_id = "builder-promises",
                        .task_id = "build-all",
                        .agent_type = "builder",
                        .timeout_after = long_limit});
  do {
    run.phase("tool:compile");
    run.promise(8s);
  } while (after(7s, stop));
}

void fails(AgentClient& client, const std::stop_token& stop) {
  for (unsigned attempt = 1; !stop.stop_requested(); ++attempt) {
    try {
      AgentRun run(client, {.agent_id = "deployer-fails",
                            .run_id = "attempt-" + std::to_string(attempt),
                            .task_id = "deploy-1.4",
                            .agent_type = "deployer",
                            .phase = "tool:upload"});
      if (after(2s, stop)) {
        throw std::runtime_error("the server refuses");  // the run ends as failed
      }
    } catch (const std::runtime_error&) {
      after(3s, stop);
    }
  }
}

// Falls silent now and then, and is heard again.
void dozes(AgentClient& client, const std::stop_token& stop) {
  AgentRun run(client, {.agent_id = "researcher-dozes",
                        .task_id = "read-the-archive",
                        .agent_type = "researcher",
                        .timeout_after = long_limit});
  for (unsigned page = 1; !stop.stop_requested(); ++page) {
    run.phase("tool:read");
    run.progress(page);
    after(page % 8 == 0 ? 6s : 1s, stop);
  }
}

// One short task after another, without end.
void toils(AgentClient& client, const std::stop_token& stop, unsigned number) {
  const std::vector<std::string> phases{"read", "tool:web_search", "edit", "test"};
  for (unsigned task = 1; !stop.stop_requested(); ++task) {
    AgentRunOptions options;
    options.agent_id = "worker-" + std::to_string(number);
    options.run_id = std::to_string(task);
    options.task_id = "ticket-" + std::to_string(100 * number + task);
    options.agent_type = "worker";
    AgentRun run(client, options);
    for (unsigned step = 1; step <= 3 + (number + task) % 7; ++step) {
      run.phase(phases[(number + step) % phases.size()]);
      run.progress(step);
      if (!after(1s, stop)) {
        return;
      }
    }
  }
}

int show(const char* events) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  // Before any thread exists, so that only sigwait() sees them.
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  AgentClient client({.events = events ? events : heartbeat::Endpoints{}.events});
  const AgentRunOptions planner{.agent_id = "planner", .agent_type = "pm"};
  const AgentRunOptions coder{.agent_id = "coder-1", .agent_type = "coder"};
  const AgentRunOptions reviewer{.agent_id = "reviewer", .agent_type = "reviewer"};
  std::vector<std::jthread> agents;
  agents.emplace_back([&](const std::stop_token& stop) {
    works(client, stop, planner,
          {{"split-release-1.4", {"plan", "tool:tracker"}, 8},
           {"write-changelog", {"plan", "edit"}, 8}});
  });
  agents.emplace_back([&](const std::stop_token& stop) {
    const std::vector<std::string> phases{"edit", "tool:compile", "test"};
    works(client, stop, coder, {{"add-search", phases, 7}, {"add-export", phases, 7}});
  });
  agents.emplace_back([&](const std::stop_token& stop) {
    const std::vector<std::string> phases{"read", "comment"};
    works(client, stop, reviewer, {{"review-118", phases, 5}, {"review-121", phases, 5}});
  });
  for (unsigned number = 1; number <= workers; ++number) {
    agents.emplace_back(
        [&client, number](const std::stop_token& stop) { toils(client, stop, number); });
  }
  for (const auto course : {hangs, never_ends, promises, fails, dozes}) {
    agents.emplace_back([&client, course](const std::stop_token& stop) { course(client, stop); });
  }

  int caught = 0;
  sigwait(&ends, &caught);
  for (std::jthread& agent : agents) {
    agent.request_stop();
  }
  return 0;
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1) {
    std::fputs(
        "Usage: heartbeat_demo. Runs agents until it is ended; HB_EVENTS names the endpoint.\n",
        stderr);
    return 2;
  }
  try {
    return show(std::getenv("HB_EVENTS"));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "heartbeat_demo: %s\n", error.what());
    return 1;
  }
}
