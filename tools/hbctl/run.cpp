// Runs a command as a run of an agent. What the command reads, writes and returns stays its own:
// whoever wraps it must not be able to tell, with a monitor or without.
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <system_error>

#include "child.hpp"
#include "heartbeat/agent_client.hpp"
#include "output.hpp"
#include "signal_descriptor.hpp"

namespace heartbeat::hbctl {

namespace {

using Clock = std::chrono::steady_clock;

constexpr Duration beat_interval{1'000};
constexpr int cannot_start = 126;  // as env, nohup and timeout have it
constexpr int not_found = 127;

// Returns whether the command has ended.
bool pass_signals_on(const SignalDescriptor& signals, pid_t child) {
  bool ended = false;
  signalfd_siginfo signal{};
  while (signals.take(signal)) {
    const auto number = static_cast<int>(signal.ssi_signo);
    if (number == SIGCHLD) {
      siginfo_t info{};
      ended = waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
              info.si_pid == child;
    } else if (signal.ssi_code != SI_KERNEL) {
      // What the terminal sends, it sends to the command as well.
      kill(child, number);
    }
  }
  return ended;
}

AgentRunOptions described(const RunOptions& verb) {
  AgentRunOptions run;
  run.agent_id = verb.agent_id;
  run.task_id = verb.task_id;
  run.agent_type = verb.agent_type;
  run.promise = verb.promise;
  run.timeout_after = verb.timeout_after;
  run.detail = verb.command.front();
  std::array<char, 65> host{};
  gethostname(host.data(), host.size() - 1);
  run.run_id = verb.run_id.value_or(std::string(host.data()) + ":" + std::to_string(getpid()));
  return run;
}

// Until the command has ended. The client coalesces activity, but not promises, and a promise has
// to be said again after each activity, which ends it: that is done once a beat.
void accompany(Child& child, AgentRun& run, const RunOptions& verb,
               const SignalDescriptor& signals) {
  auto next_beat = Clock::now() + beat_interval;
  bool heard = false;
  while (true) {
    std::array<pollfd, 3> items{
        {{signals.fd(), POLLIN, 0}, {child.output(), POLLIN, 0}, {child.error(), POLLIN, 0}}};
    const auto left = std::chrono::ceil<Duration>(next_beat - Clock::now());
    ::poll(items.data(), items.size(), static_cast<int>(std::max(left, Duration{0}).count()));
    for (const auto item : {1U, 2U}) {
      if (items[item].revents != 0) {
        heard = child.relay(items[item].fd) || heard;
      }
    }
    if (heard && !verb.promise) {
      run.activity();
      heard = false;
    }
    if (Clock::now() >= next_beat) {
      next_beat = Clock::now() + beat_interval;
      if (heard || !verb.beat_on_output) {
        verb.promise ? run.promise(*verb.promise) : run.activity();
      }
      heard = false;
    }
    if (items[0].revents != 0 && pass_signals_on(signals, child.pid())) {
      return;
    }
  }
}

// What the command has left in its pipes; a grandchild may hold them open for ever.
void relay_rest(Child& child) {
  while (true) {
    std::array<pollfd, 2> items{{{child.output(), POLLIN, 0}, {child.error(), POLLIN, 0}}};
    if (::poll(items.data(), items.size(), 0) <= 0) {
      return;
    }
    for (const pollfd& item : items) {
      if (item.revents != 0) {
        child.relay(item.fd);
      }
    }
  }
}

// Ends as the command did.
int end_like(int status) {
  if (WIFEXITED(status)) {
    return WEXITSTATUS(status);
  }
  const int number = WTERMSIG(status);
  const rlimit no_core{0, 0};  // the command's is enough
  setrlimit(RLIMIT_CORE, &no_core);
  std::signal(number, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  raise(number);
  return 128 + number;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) {
    const char* name = sigabbrev_np(WTERMSIG(status));  // nullptr for those of real time
    return "killed by " + (name != nullptr ? std::string("SIG") + name
                                           : "signal " + std::to_string(WTERMSIG(status)));
  }
  return status == 0 ? "" : "exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

int run_run(const Options& options, const RunOptions& verb) {
  // Inherited as ignored, the end of the command would not be told.
  std::signal(SIGCHLD, SIG_DFL);
  const SignalDescriptor signals{SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
  AgentClientOptions to;
  to.events = options.endpoints.events;
  AgentClient client(to);
  int status = 0;
  try {
    Child child(verb.command, signals.mask_before(), verb.beat_on_output);
    AgentRun run(client, described(verb));
    accompany(child, run, verb, signals);
    relay_rest(child);
    status = child.wait();
    run.finish(status == 0 ? "done" : "failed", how_it_ended(status));
  } catch (const std::system_error& error) {
    complain(error.what());
    return error.code() == std::errc::no_such_file_or_directory ? not_found : cannot_start;
  }
  client.stop();
  if (client.counts().changes_dropped_total > 0) {
    complain("the monitor was not told all of this run (" + options.endpoints.events + ")");
  }
  return end_like(status);
}

}  // namespace heartbeat::hbctl
