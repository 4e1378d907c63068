#include "daemon/counters.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bus/own_process.hpp"
#include "daemon/log.hpp"

namespace heartbeat::daemon {
namespace {

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

void append_escaped(std::string_view value, std::string& out) {
  for (const char c : value) {
    if (c == '\\' || c == '"' || c == '\n') {
      out += '\\';
    }
    out += c == '\n' ? 'n' : c;
  }
}

std::string labelled(std::string_view name, const Labels& labels) {
  std::string text{name};
  char before = '{';
  for (const auto& [label, value] : labels) {
    text.append(1, std::exchange(before, ',')).append(label).append("=\"");
    append_escaped(value, text);
    text += '"';
  }
  return labels.empty() ? text : text.append("}");
}

std::uint64_t number(Duration duration) { return static_cast<std::uint64_t>(duration.count()); }

template <class Histogram>
void add_histogram(CounterList& list, const std::string& name, const Histogram& histogram,
                   const Labels& labels = {}) {
  const auto counts = histogram.cumulative();
  for (std::size_t at = 0; at < counts.size(); ++at) {
    const std::string bound =
        at < Histogram::upper_bounds.size() ? std::to_string(Histogram::upper_bounds[at]) : "+Inf";
    Labels with_bound = labels;
    with_bound.emplace_back("le", bound);
    list.emplace_back(labelled(name + "_bucket", with_bound), counts[at]);
  }
  list.emplace_back(labelled(name + "_sum", labels), histogram.sum());
  list.emplace_back(labelled(name + "_count", labels), counts.back());
}

void add_by_type(CounterList& list, const core::RunTypes& types) {
  types.each([&](std::string_view type, const core::RunTypes::Counts& counts) {
    const auto add_status = [&](std::string_view status, std::uint64_t count) {
      list.emplace_back(labelled("runs_by_type", {{"agent_type", type}, {"status", status}}),
                        count);
    };
    add_status("running", counts.running);
    add_status("idle", counts.idle);
    list.emplace_back(labelled("stale_runs_by_type", {{"agent_type", type}}), counts.stale);
    add_histogram(list, "run_duration_ms", counts.ended_ms, {{"agent_type", type}});
  });
}

void add_outcomes(CounterList& list, const core::Outcomes& outcomes) {
  outcomes.each([&](std::string_view outcome, std::uint64_t count) {
    list.emplace_back(labelled("runs_ended_total", {{"outcome", outcome}}), count);
  });
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
  list.emplace_back("runs_max", fleet.limits().runs_max);
  list.emplace_back("runs_idle", fleet.runs_idle());
  list.emplace_back("runs_stale", fleet.runs_stale());
  add_by_type(list, fleet.types());
  add_outcomes(list, fleet.outcomes());
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
