// A thread that leaves all signals to those who wait for them. Among them is SIGXFSZ: a file that
// has reached its limit is an error of a write, not the end of the monitor.
#pragma once

#include <signal.h>

#include <thread>
#include <utility>

namespace heartbeat::store {

template <class Run>
std::thread quiet_thread(Run run) {
  struct NoSignals {
    NoSignals() {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
    }
    ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
    sigset_t before;
  };
  const NoSignals no_signals;
  return std::thread(std::move(run));
}

}  // namespace heartbeat::store
