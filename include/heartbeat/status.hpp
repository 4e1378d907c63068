// Questions to the monitor and its answers. Protocol: schemas/README.md, "Status".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "heartbeat/alert.hpp"
#include "heartbeat/message.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat {

inline constexpr std::uint64_t limit_default = 1'000;  // rows or alerts in one reply
inline constexpr std::uint64_t limit_max = 10'000;
inline constexpr Bounds limit_bounds{1, limit_max};
inline constexpr std::size_t epoch_bytes_max = 64;

struct PingRequest {
  std::optional<std::string> source;
};

template <>
struct Message<PingRequest> {
  static constexpr std::string_view cmd = "ping";
  static constexpr auto fields =
      std::tuple{Field{"source", &PingRequest::source, Presence::optional, {1, 64}}};
};

struct PingReply {
  std::string epoch;
  Duration uptime_ms{};
  std::string version;
  // Present when the request named a source: the highest seq of it that was read, whatever became
  // of it (0 = none), and how many of its events were rejected.
  std::optional<std::uint64_t> source_seq;
  std::optional<std::uint64_t> source_rejected;
  // Why the last of those was; absent also where none was since the monitor was started.
  std::optional<std::string> source_rejected_reason;
};

template <>
struct Message<PingReply> {
  static constexpr auto fields = std::tuple{
      Field{"epoch", &PingReply::epoch, Presence::required},
      Field{"uptime_ms", &PingReply::uptime_ms},
      Field{"version", &PingReply::version},
      Field{"source_seq", &PingReply::source_seq, Presence::optional},
      Field{"source_rejected", &PingReply::source_rejected, Presence::optional},
      Field{"source_rejected_reason", &PingReply::source_rejected_reason, Presence::optional},
  };
};

// One run in flight, as of the moment of the reply.
struct RunRow {
  std::string agent_id;
  std::string run_id;
  std::string task_id;
  std::string agent_type;
  std::string status;  // running, idle
  bool stale = false;
  bool adopted = false;         // first heard of without a register
  WallTime started_at{};        // for people
  WallTime last_activity_at{};  // for people
  Duration running_for_ms{};
  Duration idle_for_ms{};
  Duration stale_in_ms{};    // 0 = the limit has been reached
  Duration timeout_in_ms{};  // 0 = the limit has been reached
  std::string phase;
  std::uint64_t progress = 0;
  std::string detail;
  std::uint64_t lost_events = 0;  // of the last event's source, after that event
};

template <>
struct Message<RunRow> {
  static constexpr auto fields = std::tuple{
      Field{"agent_id", &RunRow::agent_id, Presence::required},
      Field{"run_id", &RunRow::run_id},
      Field{"task_id", &RunRow::task_id},
      Field{"agent_type", &RunRow::agent_type},
      Field{"status", &RunRow::status, Presence::required},
      Field{"stale", &RunRow::stale},
      Field{"adopted", &RunRow::adopted},
      Field{"started_at", &RunRow::started_at},
      Field{"last_activity_at", &RunRow::last_activity_at},
      Field{"running_for_ms", &RunRow::running_for_ms},
      Field{"idle_for_ms", &RunRow::idle_for_ms},
      Field{"stale_in_ms", &RunRow::stale_in_ms},
      Field{"timeout_in_ms", &RunRow::timeout_in_ms},
      Field{"phase", &RunRow::phase},
      Field{"progress", &RunRow::progress},
      Field{"detail", &RunRow::detail},
      Field{"lost_events", &RunRow::lost_events},
  };
};

// The last event of one kind that a run has sent.
struct LastEvent {
  std::string kind;
  Duration ago_ms{};
  WallTime read_at{};
};

template <>
struct Message<LastEvent> {
  static constexpr auto fields = std::tuple{
      Field{"kind", &LastEvent::kind, Presence::required},
      Field{"ago_ms", &LastEvent::ago_ms},
      Field{"read_at", &LastEvent::read_at},
  };
};

// A row and everything else that answers "why?".
struct RunDetail : RunRow {
  Duration stale_after_ms{};           // the silence limit now in force
  std::string stale_after_from;        // promise, configuration
  std::string grace;                   // restart, reload: silence is judged later for that
  Duration timeout_after_ms{};         // the limit on the whole run
  std::string timeout_after_from;      // register, configuration
  std::string episode;                 // the id of the open stale episode
  std::vector<LastEvent> last_events;  // newest first, one of each kind
  std::string source;                  // of the last event; "" if it named none
  std::uint64_t seq = 0;               // of that event
  std::optional<WallTime> sent_at;     // the sender's wall clock at its last event
  Duration blind_ms{};                 // how long of its silence the monitor was paused or down
  std::string storm;                   // the id of the storm that its silence is part of, if any
  std::uint64_t rejected_events = 0;
  std::uint64_t zombie_events = 0;
};

template <>
struct Message<RunDetail> {
  static constexpr auto fields = std::tuple_cat(
      Message<RunRow>::fields, std::tuple{
                                   Field{"stale_after_ms", &RunDetail::stale_after_ms},
                                   Field{"stale_after_from", &RunDetail::stale_after_from},
                                   Field{"grace", &RunDetail::grace},
                                   Field{"timeout_after_ms", &RunDetail::timeout_after_ms},
                                   Field{"timeout_after_from", &RunDetail::timeout_after_from},
                                   Field{"episode", &RunDetail::episode},
                                   Field{"last_events", &RunDetail::last_events},
                                   Field{"source", &RunDetail::source},
                                   Field{"seq", &RunDetail::seq},
                                   Field{"sent_at", &RunDetail::sent_at},
                                   Field{"blind_ms", &RunDetail::blind_ms},
                                   Field{"storm", &RunDetail::storm},
                                   Field{"rejected_events", &RunDetail::rejected_events},
                                   Field{"zombie_events", &RunDetail::zombie_events},
                               });
};

struct StatusRequest {
  std::uint64_t limit = limit_default;
};

template <>
struct Message<StatusRequest> {
  static constexpr std::string_view cmd = "status";
  static constexpr auto fields =
      std::tuple{Field{"limit", &StatusRequest::limit, Presence::always, limit_bounds}};
};

struct MonitorConfig {
  Duration check_interval_ms{};
  Duration stale_threshold_ms{};
  Duration timeout_threshold_ms{};
  bool stale_warning_only_once = true;
};

template <>
struct Message<MonitorConfig> {
  static constexpr auto fields = std::tuple{
      Field{"check_interval_ms", &MonitorConfig::check_interval_ms},
      Field{"stale_threshold_ms", &MonitorConfig::stale_threshold_ms},
      Field{"timeout_threshold_ms", &MonitorConfig::timeout_threshold_ms},
      Field{"stale_warning_only_once", &MonitorConfig::stale_warning_only_once},
  };
};

struct MonitorState {
  bool running = true;
  std::uint64_t agents_monitoring = 0;  // runs in flight
  std::vector<std::string> agents;      // distinct agent ids
  bool agents_truncated = false;
  MonitorConfig config;
};

template <>
struct Message<MonitorState> {
  static constexpr auto fields = std::tuple{
      Field{"running", &MonitorState::running},
      Field{"agents_monitoring", &MonitorState::agents_monitoring},
      Field{"agents", &MonitorState::agents},
      Field{"agents_truncated", &MonitorState::agents_truncated},
      Field{"config", &MonitorState::config},
  };
};

// `running` + `idle` = runs in flight; `stale` counts across both.
struct RunCounts {
  std::uint64_t running = 0;
  std::uint64_t idle = 0;
  std::uint64_t stale = 0;
};

template <>
struct Message<RunCounts> {
  static constexpr auto fields = std::tuple{
      Field{"running", &RunCounts::running},
      Field{"idle", &RunCounts::idle},
      Field{"stale", &RunCounts::stale},
  };
};

struct MonitorHealth {
  std::string epoch;
  std::string version;
  Duration uptime_ms{};
  Duration last_check_age_ms{};  // since deadlines were last looked at
  Duration ingest_lag_ms{};      // how far reading is behind arrival
  bool overloaded = false;
  std::string state_file;  // none; kept; left: its alerts are not in it, until it is started again
  std::string storm;       // the id of the storm that goes on; "" = none
};

template <>
struct Message<MonitorHealth> {
  static constexpr auto fields = std::tuple{
      Field{"epoch", &MonitorHealth::epoch},
      Field{"version", &MonitorHealth::version},
      Field{"uptime_ms", &MonitorHealth::uptime_ms},
      Field{"last_check_age_ms", &MonitorHealth::last_check_age_ms},
      Field{"ingest_lag_ms", &MonitorHealth::ingest_lag_ms},
      Field{"overloaded", &MonitorHealth::overloaded},
      Field{"state_file", &MonitorHealth::state_file},
      Field{"storm", &MonitorHealth::storm},
  };
};

struct StatusReply {
  std::string status = "online";
  MonitorState monitor;
  RunCounts counts;
  MonitorHealth health;
  std::vector<RunRow> in_flight_agents;
  std::string timestamp;  // ISO 8601, UTC
};

template <>
struct Message<StatusReply> {
  static constexpr auto fields = std::tuple{
      Field{"status", &StatusReply::status, Presence::required},
      Field{"monitor", &StatusReply::monitor, Presence::required},
      Field{"counts", &StatusReply::counts},
      Field{"health", &StatusReply::health},
      Field{"in_flight_agents", &StatusReply::in_flight_agents},
      Field{"timestamp", &StatusReply::timestamp},
  };
};

struct AgentsRequest {
  std::uint64_t limit = limit_default;
  std::optional<std::string> after;   // the `next` of the page before
  std::optional<std::string> status;  // running, idle, stale
  std::optional<std::string> agent;   // glob on agent_id: `*` any bytes, `?` one code point
};

template <>
struct Message<AgentsRequest> {
  static constexpr std::string_view cmd = "agents";
  static constexpr auto fields = std::tuple{
      Field{"limit", &AgentsRequest::limit, Presence::always, limit_bounds},
      Field{"after", &AgentsRequest::after, Presence::optional, {1, 64}},
      Field{"status", &AgentsRequest::status, Presence::optional, {1, 64}},
      Field{"agent", &AgentsRequest::agent, Presence::optional, {0, 512}},
  };
};

struct AgentsReply {
  std::vector<RunRow> agents;
  std::optional<std::string> next;  // nullopt ends the listing; a page may be short or empty
};

template <>
struct Message<AgentsReply> {
  static constexpr auto fields = std::tuple{
      Field{"agents", &AgentsReply::agents, Presence::required},
      Field{"next", &AgentsReply::next},
  };
};

struct AgentRequest {
  std::string agent_id;
  std::optional<std::string> run_id;  // nullopt = all runs of the agent
};

template <>
struct Message<AgentRequest> {
  static constexpr std::string_view cmd = "agent";
  static constexpr auto fields = std::tuple{
      Field{"agent_id", &AgentRequest::agent_id, Presence::required, {1, 128}},
      Field{"run_id", &AgentRequest::run_id, Presence::optional, {0, 128}},
  };
};

struct AgentReply {
  std::vector<RunDetail> runs;
  bool runs_truncated = false;  // the agent has more runs in flight than one reply lists
};

template <>
struct Message<AgentReply> {
  static constexpr auto fields = std::tuple{
      Field{"runs", &AgentReply::runs, Presence::required},
      Field{"runs_truncated", &AgentReply::runs_truncated},
  };
};

struct AlertsRequest {
  std::uint64_t since_seq = 0;
  std::optional<std::string> epoch;  // another than the monitor's: from the first alert kept
  std::uint64_t limit = limit_default;
};

template <>
struct Message<AlertsRequest> {
  static constexpr std::string_view cmd = "alerts";
  static constexpr auto fields = std::tuple{
      Field{"since_seq", &AlertsRequest::since_seq},
      Field{"epoch", &AlertsRequest::epoch, Presence::optional, {0, epoch_bytes_max}},
      Field{"limit", &AlertsRequest::limit, Presence::always, limit_bounds},
  };
};

// `AlertT` is Alert for whoever reads it; the monitor replays the very bytes that it published.
// Fewer alerts than asked for is not the end: go on until `last_seq`.
template <class AlertT>
struct AlertsPage {
  std::string epoch;
  std::uint64_t first_seq = 0;  // the kept range; with nothing kept, last_seq + 1
  std::uint64_t last_seq = 0;
  std::vector<AlertT> alerts;
};

template <class AlertT>
struct Message<AlertsPage<AlertT>> {
  static constexpr auto fields = std::tuple{
      Field{"epoch", &AlertsPage<AlertT>::epoch, Presence::required},
      Field{"first_seq", &AlertsPage<AlertT>::first_seq, Presence::required},
      Field{"last_seq", &AlertsPage<AlertT>::last_seq, Presence::required},
      Field{"alerts", &AlertsPage<AlertT>::alerts, Presence::required},
  };
};

using AlertsReply = AlertsPage<Alert>;

struct CountersRequest {};

template <>
struct Message<CountersRequest> {
  static constexpr std::string_view cmd = "counters";
  static constexpr auto fields = std::tuple{};
};

using CounterList = std::vector<std::pair<std::string, std::uint64_t>>;  // a map on the wire

struct CountersReply {
  CounterList counters;
};

template <>
struct Message<CountersReply> {
  static constexpr auto fields =
      std::tuple{Field{"counters", &CountersReply::counters, Presence::required}};
};

// A reply with `ok: false`.
struct Error {
  std::string code;  // malformed, unsupported_version, unknown_command, bad_argument, not_found, …
  std::string message;
  // not_found, where the monitor still knows how the run ended:
  std::optional<WallTime> ended_at;
  std::optional<std::string> ended_by;  // timeout, unregister
  std::optional<std::string> outcome;
  std::optional<Duration> running_for_ms;         // until then
  std::optional<Duration> timeout_after_ms;       // the limit on the whole run
  std::optional<std::string> timeout_after_from;  // register, configuration
  std::vector<LastEvent> last_events;             // newest first, one of each kind
  std::optional<std::uint64_t> rejected_events;   // of this run
  std::optional<std::uint64_t> zombie_events;     // that came late, for it or an earlier run
};

template <>
struct Message<Error> {
  static constexpr auto fields = std::tuple{
      Field{"code", &Error::code, Presence::required},
      Field{"message", &Error::message},
      Field{"ended_at", &Error::ended_at, Presence::optional},
      Field{"ended_by", &Error::ended_by, Presence::optional},
      Field{"outcome", &Error::outcome, Presence::optional},
      Field{"running_for_ms", &Error::running_for_ms, Presence::optional},
      Field{"timeout_after_ms", &Error::timeout_after_ms, Presence::optional},
      Field{"timeout_after_from", &Error::timeout_after_from, Presence::optional},
      Field{"last_events", &Error::last_events, Presence::optional},
      Field{"rejected_events", &Error::rejected_events, Presence::optional},
      Field{"zombie_events", &Error::zombie_events, Presence::optional},
  };
};

}  // namespace heartbeat
