// The gateway as a whole: who talks to the monitor, who keeps what it said, who serves it.
#pragma once

#include <memory>
#include <string>

#include "bus/signals.hpp"
#include "options.hpp"

namespace heartbeat::hbgate {

class Gateway {
 public:
  // Listens. `signals` outlives it. Throws std::exception with the option that cannot be used.
  Gateway(const Options& options, const bus::Signals& signals);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  std::string url() const;
  // Until SIGINT or SIGTERM ends it. SIGHUP reads the tokens again.
  void run();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace heartbeat::hbgate
