#include "watch/crash_restore.hpp"

#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>

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
void restore(int signal, siginfo_t* info, void*) {
  tcsetattr(STDIN_FILENO, TCSANOW, &saved.terminal);
  [[maybe_unused]] const auto written =
      write(STDOUT_FILENO, saved.farewell.data(), saved.farewell_size);
  for (std::size_t i = 0; i < faults.size(); ++i) {
    sigaction(faults[i], &saved.before[i], nullptr);
  }
  // A fault comes again by itself when this returns; what was sent does not.
  if (info->si_code <= 0) {
    raise(signal);
  }
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
  struct sigaction action {};
  action.sa_sigaction = restore;
  action.sa_flags = SA_SIGINFO;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    sigaction(faults[i], &action, &saved.before[i]);
  }
}

void end_crash_restore() {
  for (std::size_t i = 0; i < faults.size(); ++i) {
    sigaction(faults[i], &saved.before[i], nullptr);
  }
}

}  // namespace heartbeat::hbctl::watch
