// What is looked at, and what the monitor said about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "heartbeat/status.hpp"

namespace heartbeat::hbctl::watch {

enum class StateFilter : std::uint8_t { all, stale, running, idle };

// As the wire has it; "all" is only ours.
constexpr std::string_view name(StateFilter filter) {
  switch (filter) {
    case StateFilter::all:
      return "all";
    case StateFilter::stale:
      return "stale";
    case StateFilter::running:
      return "running";
    case StateFilter::idle:
      return "idle";
  }
  return "";
}

struct RunName {
  std::string agent_id;
  std::string run_id;
  bool operator==(const RunName&) const = default;
};

inline RunName name_of(const RunRow& run) { return {run.agent_id, run.run_id}; }

// Which runs are asked for.
struct Wish {
  std::string agent;  // glob; "" = any
  StateFilter state = StateFilter::all;
  std::optional<RunName> open;  // the one of which everything is asked
  bool all() const { return agent.empty() && state == StateFilter::all; }
  bool operator==(const Wish&) const = default;
};

struct OpenRun {
  std::optional<RunDetail> run;
  std::optional<Error> gone;  // why there is no `run`, or no newer one
};

// The answers to one Wish.
struct Snapshot {
  Wish wish;
  Instant at{};  // when it was asked for: nothing in it is older
  MonitorHealth health;
  RunCounts counts;
  std::vector<RunRow> runs;  // the most urgent first
  bool complete = true;      // those are all that match
  std::optional<Alert> last_alert;
  std::optional<WallTime> told_at;  // by the monitor's clock
  std::optional<OpenRun> open;
};

// What came of asking once.
struct Report {
  std::variant<Snapshot, std::string> result;  // or why there is none
  Instant next{};                              // when it is asked again
};

}  // namespace heartbeat::hbctl::watch
