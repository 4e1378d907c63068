// What the command line says, and what each verb takes of it.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "caller.hpp"
#include "heartbeat/endpoints.hpp"
#include "heartbeat/event.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::hbctl {

// Exit codes; they stand in --help.
inline constexpr int exit_ok = 0;
inline constexpr int exit_no = 1;      // not found, rejected, or this program failed
inline constexpr int exit_usage = 2;   // of this program, or a file that it cannot use
inline constexpr int exit_silent = 3;  // the monitor does not answer

struct Options {
  Endpoints endpoints;
  Duration timeout{2'000};  // for each answer of the monitor
  bool json = false;
};

struct AgentsOptions {
  std::optional<std::string> state;  // running, idle, stale
  std::optional<std::string> agent;  // glob
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
};

struct ShowOptions {
  std::string agent_id;
  std::optional<std::string> run_id;
};

struct AlertsOptions {
  bool follow = false;
  std::optional<std::uint64_t> since;
  std::optional<std::string> epoch;  // that `since` is of; only with it
};

struct HistoryOptions {
  std::string state;                 // the file
  std::optional<std::string> agent;  // glob
  std::optional<WallTime> since;
  std::optional<std::uint64_t> limit;  // the newest that many
};

// Owns the strings that an Event only views.
struct EmitOptions {
  EventKind kind = EventKind::activity;
  std::string agent_id;
  std::string run_id;
  std::optional<std::string> task_id;
  std::optional<std::string> agent_type;
  std::optional<std::string> phase;
  std::optional<std::string> detail;
  std::optional<std::string> outcome;
  std::optional<std::uint64_t> progress;
  std::optional<Duration> stale_after;
  std::optional<Duration> timeout_after;
  std::optional<Duration> running_for;
  std::optional<Duration> idle_for;
};

struct RunOptions {
  std::string agent_id;
  std::optional<std::string> run_id;  // default: the host's name and the process id
  std::string task_id;
  std::string agent_type;
  std::optional<Duration> promise;
  std::optional<Duration> timeout_after;
  bool beat_on_output = false;
  std::vector<std::string> command;
};

struct WatchOptions {
  Duration interval{1'000};
};

// Each prints its answer and returns the exit code.
int run_status(const Options& options);
int run_agents(const Options& options, const AgentsOptions& verb);
int run_show(const Options& options, const ShowOptions& verb);
int run_why(const Options& options, const ShowOptions& verb);
int run_alerts(const Options& options, const AlertsOptions& verb);
int run_history(const Options& options, const HistoryOptions& verb);
int run_counters(const Options& options);
int run_ping(const Options& options);
int run_emit(const Options& options, const EmitOptions& verb);
int run_run(const Options& options, const RunOptions& verb, const Caller& caller);
int run_watch(const Options& options, const WatchOptions& verb);

}  // namespace heartbeat::hbctl
