// The gateway as a whole: who talks to the monitor, who keeps what it said, who serves it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "access.hpp"
#include "alert_follower.hpp"
#include "alert_ring.hpp"
#include "api.hpp"
#include "bell.hpp"
#include "bus/signals.hpp"
#include "event_desk.hpp"
#include "lister.hpp"
#include "metrics.hpp"
#include "monitor.hpp"
#include "options.hpp"
#include "pulse.hpp"
#include "server.hpp"

namespace heartbeat::hbgate {

// An event that, once it has happened, is readable for all who wait for it.
class Stop {
 public:
  Stop();
  ~Stop();
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  void now();
  int fd() const { return fd_; }

 private:
  int fd_;
};

class Gateway {
 public:
  // Listens. Throws std::runtime_error with the option that cannot be used.
  Gateway(const Options& options, const bus::Signals& signals);
  ~Gateway();

  std::string url() const { return server_.url(); }
  // Until a signal ends it.
  void run();

 private:
  boost::asio::awaitable<void> take_signals();
  void take_alerts(AlertFollower::Portion portion);
  void read_tokens_again();

  // In this order, because each uses those before it.
  const Options options_;
  const bus::Signals& signals_;
  Stop stop_;
  boost::asio::io_context loop_{1};
  boost::asio::posix::stream_descriptor signal_;
  OwnCounters own_;
  AlertRing alerts_;
  Bell news_;
  Monitor monitor_;
  Lister lister_;
  EventDesk desk_;
  Pulse pulse_;
  Api api_;
  Access access_;
  Server server_;
  AlertFollower follower_;
};

}  // namespace heartbeat::hbgate
