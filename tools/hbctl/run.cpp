// Runs a command as a run of an agent. What the command reads, writes and returns stays its own:
// whoever wraps it must not be able to tell, with a monitor or without.
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "child.hpp"
#include "heartbeat/agent_client.hpp"
#include "output.hpp"
#include "relay.hpp"
#include "signal_descriptor.hpp"

namespace heartbeat::hbctl {

namespace {

using Clock = std::chrono::steady_clock;

constexpr Duration beat_interval{1'000};
constexpr int reading_ms = 1'000;  // who reads has read the rest within this
constexpr int cannot_start = 126;  // as env, nohup and timeout have it
constexpr int not_found = 127;

// All that may be meant for the command. Not those that stop and resume, which the wrapper obeys as
// well so that a shell sees one job, nor those by which a program's own fault ends it.
sigset_t signals_to_take() {
  sigset_t signals;
  sigfillset(&signals);
  for (const int number : {SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGSEGV, SIGBUS, SIGFPE, SIGILL,
                           SIGABRT, SIGTRAP, SIGSYS, SIGPIPE}) {
    sigdelset(&signals, number);
  }
  return signals;
}

// When the terminal of a session is gone, the kernel tells nobody but the session's leader.
bool is_hang_up_for_leader(const signalfd_siginfo& signal) {
  return signal.ssi_code == SI_KERNEL && signal.ssi_signo == SIGHUP && getsid(0) == getpid();
}

// What the terminal sends otherwise, it sends to the command as well, and the command's signals to
// its own group, or to its parent, are not for itself. But an alarm that was set before this
// program was started is the command's.
bool is_for_command(const signalfd_siginfo& signal, pid_t command) {
  if (signal.ssi_code == SI_KERNEL) {
    return signal.ssi_signo == SIGALRM || is_hang_up_for_leader(signal);
  }
  return static_cast<pid_t>(signal.ssi_pid) != command;
}

// Returns whether the command has ended.
bool pass_signals_on(const SignalDescriptor& signals, pid_t command) {
  bool ended = false;
  signalfd_siginfo signal{};
  while (signals.take(signal)) {
    const auto number = static_cast<int>(signal.ssi_signo);
    if (number == SIGCHLD) {
      siginfo_t info{};
      ended = waitid(P_PID, static_cast<id_t>(command), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
              info.si_pid == command;
    } else if (is_for_command(signal, command)) {
      kill(command, number);
      if (is_hang_up_for_leader(signal)) {
        kill(command, SIGCONT);  // the kernel adds that one, for a leader that was stopped
      }
    }
  }
  return ended;
}

// Whether a program that does nothing about it is ended by the signal.
bool is_deadly(int number) {
  struct sigaction action {};
  sigaction(number, nullptr, &action);
  return action.sa_handler != SIG_IGN && number != SIGCHLD && number != SIGURG &&
         number != SIGWINCH;
}

std::string command_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    line += (line.empty() ? "" : " ") + word;
  }
  return line;
}

AgentRunOptions described(const RunOptions& verb) {
  AgentRunOptions run;
  run.agent_id = verb.agent_id;
  run.task_id = verb.task_id;
  run.agent_type = verb.agent_type;
  run.promise = verb.promise;
  run.timeout_after = verb.timeout_after;
  run.detail = command_line(verb.command);
  std::array<char, 65> host{};
  gethostname(host.data(), host.size() - 1);
  run.run_id = verb.run_id.value_or(std::string(host.data()) + ":" + std::to_string(getpid()));
  return run;
}

// The command's output on its way, where that is watched.
class Output {
 public:
  Output(Child& child, AgentRun& run, const RunOptions& verb)
      : promised_(verb.promise.has_value()) {
    if (verb.beat_on_output) {
      const auto heard = [this, &run] {
        heard_ = true;
        if (!promised_) {
          run.activity();
        }
      };
      relays_[0].emplace(child.take_output(), STDOUT_FILENO, heard);
      relays_[1].emplace(child.take_error(), STDERR_FILENO, heard);
    }
  }

  // Whether something came since this was asked last.
  bool was_heard() { return heard_.exchange(false); }

  // Hands on what the command has left in its pipes. A signal that would have ended the command
  // while it waited for a reader ends this wait, unless somebody does read: then it is returned,
  // else 0.
  int finish(const SignalDescriptor& signals) {
    std::array<pollfd, 3> items{{{signals.fd(), POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}}};
    for (std::size_t i = 0; i < relays_.size(); ++i) {
      if (relays_[i]) {
        relays_[i]->finish();
        items[i + 1].fd = relays_[i]->ended();
      }
    }
    int deadly = 0;
    while (items[1].fd >= 0 || items[2].fd >= 0) {
      const int patience_ms = deadly == 0 ? -1 : reading_ms;
      if (::poll(items.data(), items.size(), patience_ms) == 0) {
        return deadly;
      }
      for (pollfd& ended : {std::ref(items[1]), std::ref(items[2])}) {
        ended.fd = ended.revents != 0 ? -1 : ended.fd;
      }
      signalfd_siginfo signal{};
      while (signals.take(signal)) {
        const auto number = static_cast<int>(signal.ssi_signo);
        deadly = is_deadly(number) ? number : deadly;
      }
    }
    return 0;
  }

 private:
  const bool promised_;
  std::atomic<bool> heard_{false};
  std::array<std::optional<Relay>, 2> relays_;  // last: their threads use what stands above
};

// Until the command has ended. The client coalesces activity, but not promises, and a promise has
// to be said again after each activity, which ends it: that is done once a beat.
void accompany(const Child& child, AgentRun& run, const RunOptions& verb, Output& output,
               const SignalDescriptor& signals) {
  auto next_beat = Clock::now() + beat_interval;
  while (true) {
    pollfd signal{signals.fd(), POLLIN, 0};
    const auto left = std::chrono::ceil<Duration>(next_beat - Clock::now());
    ::poll(&signal, 1, static_cast<int>(std::max(left, Duration{0}).count()));
    if (Clock::now() >= next_beat) {
      next_beat = Clock::now() + beat_interval;
      if (!verb.beat_on_output || output.was_heard()) {
        verb.promise ? run.promise(*verb.promise) : run.activity();
      }
    }
    if (pass_signals_on(signals, child.pid())) {
      return;
    }
  }
}

// Ends this program by the signal; returns the exit code that says so where that fails.
int end_by(int number) {
  const rlimit no_core{0, 0};  // one of this program would explain nothing
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

int run_run(const Options& options, const RunOptions& verb, const Caller& caller) {
  const SignalDescriptor signals{signals_to_take()};
  AgentClientOptions to;
  to.events = options.endpoints.events;
  to.linger_when_refused = false;
  AgentClient client(to);
  try {
    Child child(verb.command, caller, signals.mask_before(), verb.beat_on_output);
    AgentRun run(client, described(verb));
    Output output(child, run, verb);
    accompany(child, run, verb, output, signals);
    const int status = child.wait();
    run.finish(status == 0 ? "done" : "failed", how_it_ended(status));
    const int interrupted_by = output.finish(signals);
    client.stop();
    if (client.counts().changes_dropped_total > 0) {
      complain("the monitor was not told all of this run (" + options.endpoints.events + ")");
    }
    if (interrupted_by != 0) {
      return end_by(interrupted_by);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : end_by(WTERMSIG(status));
  } catch (const std::system_error& error) {
    complain(error.what());
    return error.code() == std::errc::no_such_file_or_directory ? not_found : cannot_start;
  }
}

}  // namespace heartbeat::hbctl
