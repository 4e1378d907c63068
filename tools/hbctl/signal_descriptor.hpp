// Signals as something to poll.
#pragma once

#include <sys/signalfd.h>

#include <csignal>
#include <initializer_list>

namespace heartbeat::hbctl {

// From now on these signals wait here. REQUIRES: no other thread runs yet; they are blocked in this
// thread and in those that it makes. Throws std::system_error.
class SignalDescriptor {
 public:
  explicit SignalDescriptor(std::initializer_list<int> signals);
  explicit SignalDescriptor(const sigset_t& signals);
  ~SignalDescriptor();
  SignalDescriptor(const SignalDescriptor&) = delete;
  SignalDescriptor& operator=(const SignalDescriptor&) = delete;

  // Readable when a signal has come.
  int fd() const { return fd_; }
  // What was blocked before.
  const sigset_t& mask_before() const { return before_; }
  // The next one, if any has come.
  bool take(signalfd_siginfo& signal) const;

 private:
  sigset_t before_{};
  int fd_ = -1;
};

}  // namespace heartbeat::hbctl
