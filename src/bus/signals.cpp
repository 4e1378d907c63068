#include "bus/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

namespace heartbeat::bus {

Signals::Signals() : fd_(-1) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  if (const int error = pthread_sigmask(SIG_BLOCK, &signals, nullptr); error != 0) {
    throw std::system_error(error, std::generic_category(), "pthread_sigmask");
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  fd_ = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd_ < 0) {
    throw std::system_error(errno, std::generic_category(), "signalfd");
  }
}

Signals::~Signals() { close(fd_); }

std::optional<int> Signals::take() const {
  signalfd_siginfo info{};
  ssize_t length = 0;
  do {
    length = read(fd_, &info, sizeof info);
  } while (length < 0 && errno == EINTR);
  if (length < 0 && errno != EAGAIN) {
    throw std::system_error(errno, std::generic_category(), "signalfd");
  }
  return length == static_cast<ssize_t>(sizeof info)
             ? std::optional{static_cast<int>(info.ssi_signo)}
             : std::nullopt;
}

}  // namespace heartbeat::bus
