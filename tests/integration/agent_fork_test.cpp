// What a forked child has of the agents' client: it does nothing there, and stands in nobody's way.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "hbmond.hpp"
#include "heartbeat/agent_client.hpp"

namespace {
const pid_t test_process = getpid();
}

// Asked by the leak sanitizer: what a child has of the parent's client it leaves on purpose.
extern "C" HEARTBEAT_EXPORT int __lsan_is_turned_off() { return getpid() == test_process ? 0 : 1; }

// Asked by the thread sanitizer, which else ends a child that starts a thread.
extern "C" HEARTBEAT_EXPORT const char* __tsan_default_options() { return "die_after_fork=0"; }

namespace heartbeat::test {
namespace {

AgentClientOptions options_for(const Hbmond& monitor) {
  AgentClientOptions options;
  options.events = monitor.endpoints().events;
  options.linger = time_limit;
  return options;
}

// For each other thread of this process that sleeps, who it is and how often it has slept; nullopt:
// not all do.
std::optional<std::set<std::string>> others_asleep() {
  std::set<std::string> asleep;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    const std::string id = task.path().filename();
    if (id == std::to_string(gettid())) {
      continue;
    }
    std::ifstream status{task.path() / "status"};
    std::string who = id;
    bool sleeps = false;
    for (std::string line; std::getline(status, line);) {
      sleeps = sleeps || line.rfind("State:\tS", 0) == 0;
      who += line.find("ctxt_switches") != std::string::npos ? " " + line : "";
    }
    if (!sleeps) {
      return std::nullopt;
    }
    asleep.insert(who);
  }
  return asleep;
}

// The address sanitizer's allocator has no handler for fork(): a child of a process in which
// another thread was just inside it waits for ever for a lock. glibc's allocator has one.
void wait_until_others_sleep() {
  wait_until([] {
    const auto before = others_asleep();
    return before && before == others_asleep();
  });
}

// What `work` returns, as the child's exit code; whoever hangs is ended by a signal, and is -1.
template <class Work>
int code_of_child(const Work& work) {
  wait_until_others_sleep();
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    alarm(std::chrono::duration_cast<std::chrono::seconds>(time_limit).count());
    std::signal(SIGALRM, SIG_DFL);
    work();
  }
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("a forked child ends although the process has a client") {
  const Hbmond monitor;
  process_client::init(options_for(monitor));
  wait_until([] { return process_client::get().counts().connected; });
  CHECK(code_of_child([] { std::exit(7); }) == 7);
  const AgentRun run{process_client::get(), {.agent_id = "pm"}};
  wait_until([&] { return counter(monitor, "runs_in_flight") == 1; });
  CHECK(code_of_child([] { std::exit(7); }) == 7);
  CHECK(process_client::get().counts().connected);
  process_client::stop();
  CHECK(counter(monitor, "runs_in_flight") == 1);
}

TEST_CASE(
    "in a forked child a client reports nothing, counts that, and leaves the parent's alone") {
  const Hbmond monitor;
  auto client = std::make_unique<AgentClient>(options_for(monitor));
  auto run = std::make_unique<AgentRun>(*client, AgentRunOptions{.agent_id = "pm"});
  wait_until([&] { return client->counts().changes_sent_total == 1; });
  const int dropped = code_of_child([&] {
    run->activity();
    run->progress(1);
    run->phase("in the child");
    run->finish("in the child");
    const AgentRun other{*client, {.agent_id = "other"}};
    client->stop();
    const auto counts = client->counts();
    run.reset();
    client.reset();
    _exit(counts.connected ? 100 : static_cast<int>(counts.changes_dropped_total));
  });
  CHECK(dropped == 3);
  run->phase("in the parent");
  wait_until([&] { return client->counts().changes_sent_total == 2; });
  run.reset();
  client.reset();
  CHECK(counter(monitor, "runs_unregistered_total") == 1);
  CHECK(counter(monitor, "runs_started_total") == 1);
  CHECK(counter(monitor, "events_received_total") == 3);
}

// Of a child that starts threads where its parent had some, the thread sanitizer makes nothing.
#ifndef __SANITIZE_THREAD__
TEST_CASE("a forked child makes a client of its own") {
  const Hbmond monitor;
  process_client::init(options_for(monitor));
  const AgentRun run{process_client::get(), {.agent_id = "parent"}};
  wait_until([&] { return counter(monitor, "runs_in_flight") == 1; });  // nothing wakes it then
  CHECK(code_of_child([&] {
          process_client::stop();
          process_client::init(options_for(monitor));
          { const AgentRun own{process_client::get(), {.agent_id = "child"}}; }
          process_client::stop();
          _exit(0);
        }) == 0);
  process_client::stop();
  CHECK(counter(monitor, "runs_started_total") == 2);
  CHECK(counter(monitor, "runs_unregistered_total") == 1);
}
#endif

}  // namespace
}  // namespace heartbeat::test
