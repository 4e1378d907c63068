// What the monitor publishes: alerts, and its own beat. Protocol: schemas/README.md, "Alerts".
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "heartbeat/message.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat {

// One alert. `kind`, `severity` and `reason` are strings because later kinds are possible, and a
// consumer passes on what it does not know. Strings that do not apply are "".
struct Alert {
  std::string epoch;      // the monitor's incarnation
  std::uint64_t seq = 0;  // +1 for every alert of this epoch, from 1, without gaps
  std::string id;         // the episode: the same for a warning, its repeats and its `resolved`
  std::string severity;   // warning, error, info
  std::string kind;       // stale, timeout, resolved, storm, capacity
  std::string agent_id;
  std::string run_id;
  std::string task_id;
  std::string agent_type;
  std::string message;  // one line for people
  Duration idle_ms{};   // since the last activity; for `resolved`: the silence that ended
  std::uint64_t idle_seconds = 0;
  Duration elapsed_ms{};  // since the run started
  std::uint64_t elapsed_seconds = 0;
  std::uint64_t elapsed_minutes = 0;
  Duration threshold_ms{};  // the limit that was crossed
  WallTime raised_at{};
  std::string reason;      // resolved: activity, promise, unregistered, re-registered, subsided
  std::string supersedes;  // timeout: the id of the run's stale episode, if one was open
  std::uint64_t lost_events = 0;  // events of the run's source lost after the run's last event
  Duration blind_ms{};            // how long of this silence the monitor itself was down or paused
  std::string storm;              // the id of the storm that this is part of
  std::uint64_t since_seq = 0;    // storm: the first alert that belongs to it
  bool overloaded = false;        // judged although the monitor's input was behind
  bool replayed = false;          // may have been published before a restart
  std::string source = "heartbeat-monitor";
};

template <>
struct Message<Alert> {
  static constexpr auto fields = std::tuple{
      Field{"epoch", &Alert::epoch, Presence::required},
      Field{"seq", &Alert::seq, Presence::required},
      Field{"id", &Alert::id, Presence::required},
      Field{"severity", &Alert::severity, Presence::required},
      Field{"kind", &Alert::kind, Presence::required},
      Field{"agent_id", &Alert::agent_id},
      Field{"run_id", &Alert::run_id},
      Field{"task_id", &Alert::task_id},
      Field{"agent_type", &Alert::agent_type},
      Field{"message", &Alert::message},
      Field{"idle_ms", &Alert::idle_ms},
      Field{"idle_seconds", &Alert::idle_seconds},
      Field{"elapsed_ms", &Alert::elapsed_ms},
      Field{"elapsed_seconds", &Alert::elapsed_seconds},
      Field{"elapsed_minutes", &Alert::elapsed_minutes},
      Field{"threshold_ms", &Alert::threshold_ms},
      Field{"raised_at", &Alert::raised_at},
      Field{"reason", &Alert::reason},
      Field{"supersedes", &Alert::supersedes},
      Field{"lost_events", &Alert::lost_events},
      Field{"blind_ms", &Alert::blind_ms},
      Field{"storm", &Alert::storm},
      Field{"since_seq", &Alert::since_seq},
      Field{"overloaded", &Alert::overloaded},
      Field{"replayed", &Alert::replayed},
      Field{"source", &Alert::source},
  };
};

// Published every second on topic `monitor.beat`. Three seconds without one: the monitor is gone.
struct Beat {
  std::string epoch;
  std::uint64_t alert_seq = 0;  // the last alert's seq: a consumer that has less has missed some
  std::uint64_t agents_monitoring = 0;
  std::uint64_t stale = 0;
  bool overloaded = false;
  Duration uptime_ms{};
  WallTime sent_at{};
  std::string state_file;  // none; kept; left: its alerts are not in it, until it is started again
};

template <>
struct Message<Beat> {
  static constexpr auto fields = std::tuple{
      Field{"epoch", &Beat::epoch, Presence::required},
      Field{"alert_seq", &Beat::alert_seq, Presence::required},
      Field{"agents_monitoring", &Beat::agents_monitoring},
      Field{"stale", &Beat::stale},
      Field{"overloaded", &Beat::overloaded},
      Field{"uptime_ms", &Beat::uptime_ms},
      Field{"sent_at", &Beat::sent_at},
      Field{"state_file", &Beat::state_file},
  };
};

}  // namespace heartbeat
