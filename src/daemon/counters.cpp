#include "daemon/counters.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "bus/own_process.hpp"
#include "daemon/log.hpp"

namespace heartbeat::daemon {
namespace {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

std::string labelled(std::string_view name, Labels labels) {
  std::string text{name};
  char before = '{';
  for (const auto& [label, value] : labels) {
    text.append(1, std::exchange(before, ','))
        .append(label)
        .append("=\"")
        .append(value)
        .append("\"");
  }
  return text.append("}");
}

std::uint64_t number(Duration duration) { return static_cast<std::uint64_t>(duration.count()); }

template <class Histogram>
void add_histogram(CounterList& list, const std::string& name, const Histogram& histogram) {
  const auto counts = histogram.cumulative();
  for (std::size_t at = 0; at < counts.size(); ++at) {
    const std::string bound =
        at < Histogram::upper_bounds.size() ? std::to_string(Histogram::upper_bounds[at]) : "+Inf";
    list.emplace_back(labelled(name + "_bucket", {{"le", bound}}), counts[at]);
  }
  list.emplace_back(name + "_sum", histogram.sum());
  list.emplace_back(name + "_count", counts.back());
}

void add_process(CounterList& list) {
  const bus::OwnProcess process = bus::own_process();
  list.emplace_back("process_cpu_ms_total", number(process.cpu));
  list.emplace_back("process_resident_bytes", process.resident_bytes);
  list.emplace_back("process_open_fds", process.open_fds);
  list.emplace_back("process_max_fds", process.max_fds);
}

}  // namespace

CounterList list_counters(const core::Fleet& fleet, const AlertLog& alerts, const Health& health,
                          Instant now) {
  CounterList list;
  list.emplace_back("uptime_ms", number(now - health.started));
  for (const auto& [name, member] : core::counter_names) {
    list.emplace_back(name, fleet.counters().*member);
  }
  for (const auto& [reason, name] : Names<Rejection>::table) {
    list.emplace_back(labelled("events_rejected_total", {{"reason", name}}),
                      fleet.counters().events_rejected_total[static_cast<std::size_t>(reason)]);
  }
  for (const auto& [kind, name] : Names<core::TransitionKind>::table) {
    list.emplace_back(labelled("alerts_published_total", {{"kind", name}}), alerts.published(kind));
  }
  list.emplace_back("alerts_kept", alerts.kept());
  list.emplace_back("runs_in_flight", fleet.runs_in_flight());
  list.emplace_back("runs_idle", fleet.runs_idle());
  list.emplace_back("runs_stale", fleet.runs_stale());
  list.emplace_back("tombstones", fleet.tombstones());
  list.emplace_back("sources", fleet.sources());
  list.emplace_back("messages_received_total", health.messages_received_total);
  list.emplace_back("ingest_lag_ms", number(health.ingest_lag_ms));
  list.emplace_back("overloaded", health.overloaded ? 1 : 0);
  list.emplace_back("loop_stalls_total", health.loop_stalls_total);
  list.emplace_back("loop_stall_max_ms", number(health.loop_stall_max_ms));
  add_histogram(list, "turn_us", health.turn_us);
  add_histogram(list, "detection_delay_ms", health.detection_delay_ms);
  list.emplace_back("state_changes_waiting", health.state_changes_waiting);
  list.emplace_back("state_commits_total", health.state_commits_total);
  list.emplace_back("state_failures_total", health.state_failures_total);
  list.emplace_back("state_epochs_left_total", health.state_epochs_left_total);
  list.emplace_back("state_lag_ms", number(health.state_lag_ms));
  list.emplace_back("state_commit_max_ms", number(health.state_commit_max_ms));
  list.emplace_back("storm", fleet.in_storm() ? 1 : 0);
  list.emplace_back("status_requests_total", health.status_requests_total);
  list.emplace_back("status_errors_total", health.status_errors_total);
  list.emplace_back("log_lines_dropped_total", log_lines_dropped_total());
  list.emplace_back("config_reloads_total", health.config_reloads_total);
  list.emplace_back("config_reload_failures_total", health.config_reload_failures_total);
  add_process(list);
  return list;
}

}  // namespace heartbeat::daemon
