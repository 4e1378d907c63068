// The monitor's one thread: reads, judges, says, answers, in this order, turn after turn.
#pragma once

#include <spdlog/spdlog.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "bus/probe.hpp"
#include "bus/signals.hpp"
#include "bus/sockets.hpp"
#include "core/fleet.hpp"
#include "daemon/alert_log.hpp"
#include "daemon/alert_report.hpp"
#include "daemon/health.hpp"
#include "daemon/journal.hpp"
#include "daemon/options.hpp"
#include "daemon/pauses.hpp"
#include "daemon/status.hpp"
#include "daemon/watermark.hpp"
#include "wire/decode.hpp"

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
  Duration time_to_sleep(Instant now) const;
  void note_pause(Duration pause);
  void probe(Instant now);
  void take_signals();
  void reload();
  // What it changed, for people.
  std::string apply(const Options& options);
  // Both work on a bounded share of what there is.
  bool drain(Instant now);
  void judge(Instant now, bool drained);
  void number(bool overloaded);
  void publish(Instant now);
  void beat(Instant now);
  void answer(Instant now);

  Options options_;
  Reread reread_;
  const bus::Signals& signals_;
  std::shared_ptr<spdlog::logger> logger_;

  wire::EventDecoder decoder_;
  core::Fleet fleet_;
  core::Transitions transitions_;
  AlertLog log_;
  AlertReport report_;
  Health health_;
  std::unique_ptr<Journal> journal_;  // nullptr: no state file
  StatusDesk desk_;

  zmq::context_t context_;
  bus::EventSocket events_;
  bus::AlertSocket alerts_;
  bus::StatusSocket status_;
  bus::Probe probe_;

  Pauses pauses_;
  Watermark watermark_;
  std::uint64_t probe_connections_ = 0;  // that were dealt with
  Instant next_beat_;
  bool work_left_ = false;
  bool stopping_ = false;
};

}  // namespace heartbeat::daemon
