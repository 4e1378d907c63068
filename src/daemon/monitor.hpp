// The monitor's one thread: reads, judges, says, answers, in this order, turn after turn. It brings
// the watch what comes from sockets and clocks, and takes to the sockets what the watch has to say.
#pragma once

#include <spdlog/fwd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "bus/probe.hpp"
#include "bus/signals.hpp"
#include "bus/sockets.hpp"
#include "daemon/alert_report.hpp"
#include "daemon/options.hpp"
#include "daemon/watch.hpp"
#include "store/state_file.hpp"

namespace heartbeat::daemon {

// Reads the options again, as SIGHUP asks for.
using Reread = std::function<std::variant<Invocation, BadOption>()>;

class Monitor {
 public:
  // Opens the state file and binds the sockets, and throws before anything is served:
  // store::Unusable, bus::CannotBind. `signals` must outlive this.
  Monitor(Options options, Reread reread, const bus::Signals& signals,
          std::shared_ptr<spdlog::logger> logger);

  // Returns after SIGTERM or SIGINT.
  void run();

 private:
  // `asked`: how long the poll before it was to sleep, from `since` on.
  void turn(Duration asked, Instant since);
  void probe(Instant now);
  void take_signals();
  void reload();
  // What it changed, for people.
  std::string apply(const Options& options);
  // Both work on a bounded share of what there is.
  bool drain(Instant now);
  void fold(Instant now);
  void answer(const store::Clocks& at);
  void publish(Instant now);
  void beat(const store::Clocks& at);

  Options options_;
  Reread reread_;
  const bus::Signals& signals_;
  std::shared_ptr<spdlog::logger> logger_;

  std::unique_ptr<store::StateFile> state_file_;  // nullptr: there is none
  Watch watch_;
  AlertReport report_;

  zmq::context_t context_;
  bus::EventSocket events_;
  bus::AlertSocket alerts_;
  bus::StatusSocket status_;
  bus::Probe probe_;

  std::uint64_t probe_connections_ = 0;  // that were dealt with
  bool stopping_ = false;
};

}  // namespace heartbeat::daemon
