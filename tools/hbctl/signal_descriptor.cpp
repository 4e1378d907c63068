#include "signal_descriptor.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace heartbeat::hbctl {

namespace {

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) {
    sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

SignalDescriptor::SignalDescriptor(std::initializer_list<int> signals)
    : SignalDescriptor(set_of(signals)) {}

SignalDescriptor::SignalDescriptor(const sigset_t& signals) {
  pthread_sigmask(SIG_BLOCK, &signals, &before_);
  fd_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) {
    throw std::system_error(errno, std::generic_category(), "signalfd");
  }
}

SignalDescriptor::~SignalDescriptor() { close(fd_); }

bool SignalDescriptor::take(signalfd_siginfo& signal) const {
  return read(fd_, &signal, sizeof signal) > 0;
}

}  // namespace heartbeat::hbctl
