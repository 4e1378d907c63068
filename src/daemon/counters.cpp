#include "daemon/counters.hpp"

#include <string>
#include <string_view>

#include "daemon/log.hpp"

namespace heartbeat::daemon {
namespace {

std::string labelled(std::string_view name, std::string_view label, std::string_view value) {
  return std::string{name} + "{" + std::string{label} + "=\"" + std::string{value} + "\"}";
}

}  // namespace

CounterList list_counters(const core::Fleet& fleet, const AlertLog& alerts, const Health& health) {
  CounterList list;
  for (const auto& [name, member] : core::counter_names) {
    list.emplace_back(name, fleet.counters().*member);
  }
  for (const auto& [reason, name] : Names<Rejection>::table) {
    list.emplace_back(labelled("events_rejected_total", "reason", name),
                      fleet.counters().events_rejected_total[static_cast<std::size_t>(reason)]);
  }
  for (const auto& [kind, name] : Names<core::TransitionKind>::table) {
    list.emplace_back(labelled("alerts_published_total", "kind", name), alerts.published(kind));
  }
  list.emplace_back("alerts_kept", alerts.kept());
  list.emplace_back("runs_in_flight", fleet.runs_in_flight());
  list.emplace_back("runs_idle", fleet.runs_idle());
  list.emplace_back("runs_stale", fleet.runs_stale());
  list.emplace_back("tombstones", fleet.tombstones());
  list.emplace_back("sources", fleet.sources());
  list.emplace_back("messages_received_total", health.messages_received_total);
  list.emplace_back("ingest_lag_ms", static_cast<std::uint64_t>(health.ingest_lag_ms.count()));
  list.emplace_back("overloaded", health.overloaded ? 1 : 0);
  list.emplace_back("loop_stalls_total", health.loop_stalls_total);
  list.emplace_back("loop_stall_max_ms",
                    static_cast<std::uint64_t>(health.loop_stall_max_ms.count()));
  list.emplace_back("state_changes_waiting", health.state_changes_waiting);
  list.emplace_back("state_commits_total", health.state_commits_total);
  list.emplace_back("state_failures_total", health.state_failures_total);
  list.emplace_back("state_epochs_left_total", health.state_epochs_left_total);
  list.emplace_back("state_commit_max_ms",
                    static_cast<std::uint64_t>(health.state_commit_max_ms.count()));
  list.emplace_back("storm", fleet.in_storm() ? 1 : 0);
  list.emplace_back("status_requests_total", health.status_requests_total);
  list.emplace_back("status_errors_total", health.status_errors_total);
  list.emplace_back("log_lines_dropped_total", log_lines_dropped_total());
  list.emplace_back("config_reloads_total", health.config_reloads_total);
  list.emplace_back("config_reload_failures_total", health.config_reload_failures_total);
  return list;
}

}  // namespace heartbeat::daemon
