// A process that has hardly a descriptor left: making a client of any kind fails in one documented
// way, or works; nothing ends the process.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <stdexcept>
#include <vector>

#include "hbmond.hpp"
#include "heartbeat/agent_client.hpp"

namespace heartbeat::test {
namespace {

enum Outcome { made = 0, refused = 1, threw_else = 2 };

// In a child, because what libzmq cannot bear ends the process.
template <class Make>
int outcome_with(int descriptors, const Make& make) {
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    for (const int signal : {SIGABRT, SIGSEGV}) {
      std::signal(signal, SIG_DFL);
    }
    alarm(std::chrono::duration_cast<std::chrono::seconds>(time_limit).count());
    const rlimit limit{200, 200};
    setrlimit(RLIMIT_NOFILE, &limit);
    std::vector<int> taken;
    for (int fd = 0; (fd = open("/dev/null", O_RDONLY)) >= 0;) {
      taken.push_back(fd);
    }
    for (; descriptors > 0; --descriptors, taken.pop_back()) {
      close(taken.back());
    }
    try {
      const auto client = make();
      _exit(made);
    } catch (const std::runtime_error&) {
      _exit(refused);
    } catch (...) {
      _exit(threw_else);
    }
  }
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

template <class Make>
void check_each_number(const Make& make) {
  CHECK(outcome_with(0, make) == refused);
  int descriptors = 1;
  for (int outcome = refused; outcome != made && descriptors < 100; ++descriptors) {
    INFO(descriptors << " descriptors");
    outcome = outcome_with(descriptors, make);
    CHECK((outcome == made || outcome == refused));
  }
  CHECK(descriptors < 100);
}

TEST_CASE("few descriptors: an agent's client is refused as its header says") {
  const Hbmond monitor;
  AgentClientOptions options;
  options.events = monitor.endpoints().events;
  check_each_number([&] { return std::make_unique<AgentClient>(options); });
}

TEST_CASE("few descriptors: a status client is refused as its header says") {
  const Hbmond monitor;
  check_each_number([&] { return std::make_unique<StatusClient>(monitor.endpoints().status); });
}

TEST_CASE("few descriptors: a subscriber is refused as its header says") {
  const Hbmond monitor;
  check_each_number([&] {
    auto subscriber = std::make_unique<AlertSubscriber>(monitor.endpoints());
    subscriber->next(-1, Duration{1});
    return subscriber;
  });
}

}  // namespace
}  // namespace heartbeat::test
