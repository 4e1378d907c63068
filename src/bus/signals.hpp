// SIGTERM, SIGINT and SIGHUP as something to poll.
#pragma once

#include <optional>

namespace heartbeat::bus {

// Blocks the three signals for this thread and those it starts from now on: make it before the
// ZeroMQ context and the logger, whose threads would otherwise be interrupted. A peer that closes
// a pipe must not end the process either, nor a file that has reached its limit: they are errors of
// a write, and SIGPIPE and SIGXFSZ are ignored.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Readable when a signal is waiting.
  int fd() const { return fd_; }
  // The next waiting signal's number; nullopt = none waits.
  std::optional<int> take() const;

 private:
  int fd_;
};

}  // namespace heartbeat::bus
