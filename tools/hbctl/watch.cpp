#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>

#include "bus/clock.hpp"
#include "options.hpp"
#include "output.hpp"
#include "signal_descriptor.hpp"
#include "watch/lookout.hpp"
#include "watch/screen.hpp"
#include "watch/terminal_text.hpp"

namespace heartbeat::hbctl {

namespace {

using namespace watch;

int refuse(const std::string& why) {
  complain("watch: " + why + "; use hbctl status, or hbctl agents --json");
  return exit_usage;
}

enum class Signals : bool { go_on, end };

Signals take_signals(const SignalDescriptor& signals, Screen& screen) {
  signalfd_siginfo signal{};
  while (signals.take(signal)) {
    switch (static_cast<int>(signal.ssi_signo)) {
      case SIGWINCH:
        screen.resize();
        break;
      case SIGTSTP:
        screen.suspend();
        break;
      case SIGCONT:
        screen.resume();
        break;
      default:
        return Signals::end;
    }
  }
  return Signals::go_on;
}

const std::vector<RunRow>& runs_of(const Known& known) {
  static const std::vector<RunRow> none;
  return known.snapshot() ? known.snapshot()->runs : none;
}

class Watch {
 public:
  Watch(const Options& options, const WatchOptions& verb)
      : lookout_(options.endpoints.status, options.timeout, verb.interval),
        known_(options.endpoints.status, bus::boot_now()),
        screen_(colour_allowed()) {}

  // Until the person, or a signal, ends it.
  void run(const SignalDescriptor& signals) {
    lookout_.want(view_.wish());
    while (!view_.quitting()) {
      show();
      std::array<pollfd, 3> items{
          {{signals.fd(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}, {lookout_.fd(), POLLIN, 0}}};
      ::poll(items.data(), items.size(), patience());
      if (items[0].revents != 0 && take_signals(signals, screen_) == Signals::end) {
        return;
      }
      if ((items[1].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) {
        return;  // nobody is there any more
      }
      if (items[1].revents != 0) {
        take_keys();
      }
      if (auto report = lookout_.take()) {
        known_.take(*std::move(report), bus::boot_now());
      }
    }
  }

 private:
  void show() {
    const Instant now = bus::boot_now();
    settle(view_, known_, screen_.size(), now);
    screen_.draw(draw(view_, known_, screen_.size(), now));
  }

  void take_keys() {
    const Wish before = view_.wish();
    for (const Key& key : screen_.keys()) {
      view_.press(key, runs_of(known_));
      settle(view_, known_, screen_.size(), bus::boot_now());
    }
    if (view_.wish() != before) {
      lookout_.want(view_.wish());
    }
  }

  // Milliseconds until what is shown changes by itself.
  int patience() const {
    const Instant now = bus::boot_now();
    return static_cast<int>(
        std::clamp(known_.next_change(now) - now, Duration{1}, Duration{INT_MAX}).count());
  }

  Lookout lookout_;
  Known known_;
  View view_;
  Screen screen_;  // the first to go
};

}  // namespace

int run_watch(const Options& options, const WatchOptions& verb) {
  if (options.json) {
    return refuse("--json is for programs, and this is for people");
  }
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) {
    return refuse(std::string("standard ") + (isatty(STDIN_FILENO) == 0 ? "input" : "output") +
                  " is no terminal");
  }
  use_unicode();
  const SignalDescriptor signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};
  try {
    Watch(options, verb).run(signals);
  } catch (const NoTerminal& none) {
    return refuse(none.what());
  }
  return exit_ok;
}

}  // namespace heartbeat::hbctl
