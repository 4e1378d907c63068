#include "watch/crash_restore.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <system_error>

// Its macros are named like anything.
#define NCURSES_NOMACROS
#include <ncurses.h>
#include <term.h>

namespace heartbeat::hbctl::watch {

namespace {

constexpr std::array faults{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

// Static, because a signal handler can be handed nothing.
struct Saved {
  termios terminal{};
  std::array<char, 256> farewell{};
  std::size_t farewell_size = 0;
  pid_t guard = -1;
  int alive = -1;  // open as long as this process lives
  std::array<struct sigaction, faults.size()> before{};
};
Saved saved;

int keep(int byte) {
  if (saved.farewell_size < saved.farewell.size()) {
    saved.farewell[saved.farewell_size++] = static_cast<char>(byte);
  }
  return byte;
}

// Calls nothing that is not safe in a signal handler.
void restore_terminal() {
  tcsetattr(STDIN_FILENO, TCSANOW, &saved.terminal);
  [[maybe_unused]] const auto written =
      write(STDOUT_FILENO, saved.farewell.data(), saved.farewell_size);
}

void dismiss_guard() { [[maybe_unused]] const auto written = write(saved.alive, "", 1); }

void restore(int signal, siginfo_t* info, void*) {
  restore_terminal();
  dismiss_guard();
  for (std::size_t i = 0; i < faults.size(); ++i) {
    sigaction(faults[i], &saved.before[i], nullptr);
  }
  // A fault comes again by itself when this returns; what was sent does not.
  if (info->si_code <= 0) {
    raise(signal);
  }
}

// In the guard's process, which has but this thread: outlives every signal of the terminal, and
// ends with the first process. A byte from that one says that nothing is left to restore.
[[noreturn]] void stand_guard(int alive) {
  prctl(PR_SET_NAME, "hbctl-guard");
  for (int signal = 1; signal < SIGRTMIN; ++signal) {
    std::signal(signal, SIG_IGN);
  }
  char byte = 0;
  ssize_t size = 0;
  do {
    size = read(alive, &byte, 1);
  } while (size < 0 && errno == EINTR);
  if (size == 0) {
    restore_terminal();
  }
  _exit(0);
}

void begin_guard() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  saved.guard = fork();
  if (saved.guard == 0) {
    close(ends[1]);
    stand_guard(ends[0]);
  }
  close(ends[0]);
  saved.alive = ends[1];
  if (saved.guard < 0) {
    close(ends[1]);
    throw std::system_error(errno, std::generic_category(), "fork");
  }
}

void end_guard() {
  dismiss_guard();
  close(saved.alive);
  waitpid(saved.guard, nullptr, 0);
}

}  // namespace

void begin_crash_restore(const termios& before) {
  saved.terminal = before;
  saved.farewell_size = 0;
  // No attributes, ordinary keys, a cursor, and the screen that was there before.
  for (const char* name : {"sgr0", "rmkx", "cnorm", "rmcup"}) {
    const char* sequence = tigetstr(name);
    if (sequence != nullptr && sequence != reinterpret_cast<const char*>(-1)) {
      tputs(sequence, 1, keep);
    }
  }
  begin_guard();
  struct sigaction action {};
  action.sa_sigaction = restore;
  action.sa_flags = SA_SIGINFO;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    sigaction(faults[i], &action, &saved.before[i]);
  }
}

void end_crash_restore() {
  end_guard();
  for (std::size_t i = 0; i < faults.size(); ++i) {
    sigaction(faults[i], &saved.before[i], nullptr);
  }
}

}  // namespace heartbeat::hbctl::watch
