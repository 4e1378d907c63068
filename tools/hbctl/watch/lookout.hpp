// Looks at the monitor again and again, in a thread of its own: a monitor that does not answer must
// not keep anybody from pressing a key.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "heartbeat/status_client.hpp"
#include "watch/snapshot.hpp"

namespace heartbeat::hbctl::watch {

// A descriptor that is readable once it was raised.
class Flag {
 public:
  Flag();
  ~Flag();
  Flag(const Flag&) = delete;
  Flag& operator=(const Flag&) = delete;

  int fd() const { return fd_; }
  void raise() const;
  void lower() const;

 private:
  int fd_ = -1;
};

class Lookout {
 public:
  // Looks every `interval`, and less often where the answers take more than a tenth of that, so
  // that who looks does not become the load. `timeout` is for each answer.
  Lookout(const std::string& endpoint, Duration timeout, Duration interval);
  // Waits for no answer.
  ~Lookout();
  Lookout(const Lookout&) = delete;
  Lookout& operator=(const Lookout&) = delete;

  // Looks for this from now on, first at once.
  void want(const Wish& wish);
  // Readable when there is a report.
  int fd() const { return ready_.fd(); }
  // The newest, if it was not taken yet.
  std::optional<Report> take();

 private:
  void run();

  Duration interval_;
  Flag stop_;
  Flag ready_;
  StatusClient client_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Wish> wanted_;  // not begun yet
  bool ended_ = false;
  std::optional<Report> report_;

  std::thread thread_;
};

}  // namespace heartbeat::hbctl::watch
