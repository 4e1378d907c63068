#include "metrics.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "bus/own_process.hpp"

namespace heartbeat::hbgate {

namespace {

enum class Type { counter, gauge, histogram };

// One of the monitor's counters (of a histogram, what its _bucket, _sum and _count begin with) and
// what it is called here. Prometheus counts in base units.
struct Family {
  std::string_view counter;
  std::string_view name;
  Type type;
  double divisor;
  std::string_view help;
};

constexpr std::array families{
    Family{"uptime_ms", "heartbeat_uptime_seconds", Type::gauge, 1e3,
           "Time since the monitor was started."},
    Family{"runs_in_flight", "heartbeat_runs_in_flight", Type::gauge, 1, "Runs in flight."},
    Family{"runs_max", "heartbeat_runs_max", Type::gauge, 1, "How many runs may be in flight."},
    Family{"runs_idle", "heartbeat_runs_idle", Type::gauge, 1,
           "Runs in flight that wait for work."},
    Family{"runs_by_type", "heartbeat_runs", Type::gauge, 1,
           "Runs in flight by agent type and status."},
    Family{"stale_runs_by_type", "heartbeat_runs_stale", Type::gauge, 1,
           "Runs with an open stale episode by agent type."},
    Family{"run_duration_ms", "heartbeat_run_duration_seconds", Type::histogram, 1e3,
           "How long runs that ended, by unregister or timeout, had been running."},
    Family{"runs_ended_total", "heartbeat_runs_ended_total", Type::counter, 1,
           "Runs that ended, by the outcome that they named; timeout also where the monitor took "
           "them out of flight."},
    Family{"runs_started_total", "heartbeat_runs_started_total", Type::counter, 1,
           "Runs that started."},
    Family{"runs_adopted_total", "heartbeat_runs_adopted_total", Type::counter, 1,
           "Runs that were first heard of without a register."},
    Family{"runs_timed_out_total", "heartbeat_runs_timed_out_total", Type::counter, 1,
           "Runs that were taken out of flight by their timeout."},
    Family{"runs_unregistered_total", "heartbeat_runs_unregistered_total", Type::counter, 1,
           "Runs that ended by an unregister."},
    Family{"tombstones", "heartbeat_tombstones", Type::gauge, 1,
           "Runs that ended not long ago and are remembered."},
    Family{"tombstones_evicted_total", "heartbeat_tombstones_evicted_total", Type::counter, 1,
           "Ended runs forgotten before their time because there were too many."},
    Family{"messages_received_total", "heartbeat_messages_received_total", Type::counter, 1,
           "Messages read from the event socket."},
    Family{"events_received_total", "heartbeat_events_received_total", Type::counter, 1,
           "Events read: folded, rejected, duplicate, zombie and ignored ones."},
    Family{"events_folded_total", "heartbeat_events_folded_total", Type::counter, 1,
           "Events that changed a run."},
    Family{"events_rejected_total", "heartbeat_events_rejected_total", Type::counter, 1,
           "Events that were not accepted, by reason."},
    Family{"events_duplicate_total", "heartbeat_events_duplicate_total", Type::counter, 1,
           "Events that had been read before."},
    Family{"events_zombie_total", "heartbeat_events_zombie_total", Type::counter, 1,
           "Events of runs that had ended."},
    Family{"events_ignored_total", "heartbeat_events_ignored_total", Type::counter, 1,
           "Events that meant no run."},
    Family{"events_late_total", "heartbeat_events_late_total", Type::counter, 1,
           "Events that came after later ones of their source."},
    Family{"events_lost_total", "heartbeat_events_lost_total", Type::counter, 1,
           "Events that went missing on the bus."},
    Family{"sources", "heartbeat_sources", Type::gauge, 1,
           "Sending processes whose sequence numbers are followed."},
    Family{"sources_restarted_total", "heartbeat_sources_restarted_total", Type::counter, 1,
           "Sources whose sequence numbers began again."},
    Family{"sources_evicted_total", "heartbeat_sources_evicted_total", Type::counter, 1,
           "Sources forgotten because there were too many."},
    Family{"alerts_published_total", "heartbeat_alerts_published_total", Type::counter, 1,
           "Alerts published, by kind."},
    Family{"alerts_kept", "heartbeat_alerts_kept", Type::gauge, 1,
           "Alerts that can still be asked for."},
    Family{"storm", "heartbeat_storm", Type::gauge, 1, "1 while most runs fell silent together."},
    Family{"detection_delay_ms", "heartbeat_detection_delay_seconds", Type::histogram, 1e3,
           "From a deadline to the publication of its alert."},
    Family{"ingest_lag_ms", "heartbeat_ingest_lag_seconds", Type::gauge, 1e3,
           "How far reading is behind arrival."},
    Family{"overloaded", "heartbeat_overloaded", Type::gauge, 1,
           "1 while the monitor has to judge although its input is behind."},
    Family{"turn_us", "heartbeat_turn_seconds", Type::histogram, 1e6,
           "Length of a turn of the monitor's loop, without its sleep."},
    Family{"loop_stalls_total", "heartbeat_loop_stalls_total", Type::counter, 1,
           "Pauses of the monitor's process."},
    Family{"loop_stall_max_ms", "heartbeat_loop_stall_max_seconds", Type::gauge, 1e3,
           "The longest pause of the monitor's process."},
    Family{"state_lag_ms", "heartbeat_state_lag_seconds", Type::gauge, 1e3,
           "Age of the oldest change that is not yet in the state file."},
    Family{"state_changes_waiting", "heartbeat_state_changes_waiting", Type::gauge, 1,
           "Records that differ from those in the state file, about."},
    Family{"state_commits_total", "heartbeat_state_commits_total", Type::counter, 1,
           "Batches committed to the state file."},
    Family{"state_commit_max_ms", "heartbeat_state_commit_max_seconds", Type::gauge, 1e3,
           "The longest commit to the state file."},
    Family{"state_failures_total", "heartbeat_state_failures_total", Type::counter, 1,
           "Commits to the state file that failed."},
    Family{"state_epochs_left_total", "heartbeat_state_epochs_left_total", Type::counter, 1,
           "How often alerts could not wait for the state file and a new epoch began."},
    Family{"status_requests_total", "heartbeat_status_requests_total", Type::counter, 1,
           "Requests answered on the status socket."},
    Family{"status_errors_total", "heartbeat_status_errors_total", Type::counter, 1,
           "Requests answered with an error."},
    Family{"log_lines_dropped_total", "heartbeat_log_lines_dropped_total", Type::counter, 1,
           "Log lines dropped because the log could not keep up."},
    Family{"config_reloads_total", "heartbeat_config_reloads_total", Type::counter, 1,
           "Reloads of the configuration."},
    Family{"config_reload_failures_total", "heartbeat_config_reload_failures_total", Type::counter,
           1, "Reloads that were refused."},
    Family{"process_cpu_ms_total", "heartbeat_process_cpu_seconds_total", Type::counter, 1e3,
           "CPU time of the monitor."},
    Family{"process_resident_bytes", "heartbeat_process_resident_memory_bytes", Type::gauge, 1,
           "Memory of the monitor."},
    Family{"process_open_fds", "heartbeat_process_open_fds", Type::gauge, 1,
           "Open file descriptors of the monitor."},
    Family{"process_max_fds", "heartbeat_process_max_fds", Type::gauge, 1,
           "How many file descriptors the monitor may have."},
};

std::string_view text_of(Type type) {
  switch (type) {
    case Type::counter:
      return "counter";
    case Type::gauge:
      return "gauge";
    case Type::histogram:
      return "histogram";
  }
  return "untyped";
}

std::string number(double value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), static_cast<std::size_t>(end - text.data())};
}

void add_head(std::string& out, std::string_view name, Type type, std::string_view help) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n");
  out.append("# TYPE ").append(name).append(" ").append(text_of(type)).append("\n");
}

void add(std::string& out, std::string_view name, Type type, std::string_view help,
         const std::string& value) {
  add_head(out, name, type, help);
  out.append(name).append(" ").append(value).append("\n");
}

// `rest`: what stands behind the family's name in the counter's: a suffix, labels, both or nothing.
struct Sample {
  std::string_view rest;
  std::uint64_t value;
};

constexpr std::array<std::string_view, 3> histogram_suffixes{"_bucket", "_sum", "_count"};

std::optional<std::string_view> rest_of(const Family& family, std::string_view counter) {
  if (!counter.starts_with(family.counter)) {
    return std::nullopt;
  }
  const std::string_view rest = counter.substr(family.counter.size());
  const std::string_view suffix = rest.substr(0, rest.find('{'));
  const bool is_its = family.type == Type::histogram
                          ? std::find(histogram_suffixes.begin(), histogram_suffixes.end(),
                                      suffix) != histogram_suffixes.end()
                          : suffix.empty();
  return is_its ? std::optional{rest} : std::nullopt;
}

// A bucket's bound in the family's unit.
std::string scaled_bound(std::string_view rest, double divisor) {
  constexpr std::string_view key = "le=\"";
  const std::size_t at = rest.rfind(key);
  double bound = 0;
  const char* const begin = rest.data() + at + key.size();
  const auto [end, error] = std::from_chars(begin, rest.data() + rest.size(), bound);
  if (at == std::string_view::npos || error != std::errc{} || *begin == '+') {
    return std::string(rest);  // +Inf
  }
  std::string text(rest.substr(0, at));
  return text.append(key).append(number(bound / divisor)).append(end, rest.data() + rest.size());
}

void add(std::string& out, const Family& family, const Sample& sample) {
  const bool bucket = family.type == Type::histogram && sample.rest.starts_with("_bucket");
  const bool scaled = !bucket && !sample.rest.starts_with("_count");
  out.append(family.name);
  out.append(bucket ? scaled_bound(sample.rest, family.divisor) : std::string(sample.rest));
  out.append(" ");
  out.append(scaled && family.divisor != 1
                 ? number(static_cast<double>(sample.value) / family.divisor)
                 : std::to_string(sample.value));
  out.append("\n");
}

void add_monitor(std::string& out, const MonitorCounters& monitor) {
  add_head(out, "heartbeat_build_info", Type::gauge, "The monitor's version.");
  out.append("heartbeat_build_info{version=\"").append(monitor.version).append("\"} 1\n");
  for (const Family& family : families) {
    bool begun = false;
    for (const auto& [name, value] : monitor.counters) {
      if (const auto rest = rest_of(family, name)) {
        if (!begun) {
          add_head(out, family.name, family.type, family.help);
          begun = true;
        }
        add(out, family, {*rest, value});
      }
    }
  }
}

void add_own(std::string& out, const OwnCounters& own) {
  add_head(out, "heartbeat_gateway_responses_total", Type::counter,
           "Responses of this gateway, by status.");
  for (const auto& [status, count] : own.responses) {
    out.append("heartbeat_gateway_responses_total{code=\"").append(std::to_string(status));
    out.append("\"} ").append(std::to_string(count)).append("\n");
  }
  add(out, "heartbeat_gateway_turned_away_total", Type::counter,
      "Connections and requests that were too many.", std::to_string(own.turned_away));
  add(out, "heartbeat_gateway_connections", Type::gauge, "Open connections.",
      std::to_string(own.connections));
  add(out, "heartbeat_gateway_streams", Type::gauge, "Open event streams.",
      std::to_string(own.streams));
  add(out, "heartbeat_gateway_alerts_heard", Type::gauge,
      "1 = the monitor's alert socket is heard; 0 = its alerts are asked for, and come late.",
      own.alerts_heard ? "1" : "0");
  add(out, "heartbeat_gateway_alerts_lost_total", Type::counter,
      "Alerts that this gateway missed and that the monitor kept no longer.",
      std::to_string(own.alerts_lost));
  add_head(out, "heartbeat_gateway_build_info", Type::gauge, "This gateway's version.");
  out.append("heartbeat_gateway_build_info{version=\"" HEARTBEAT_VERSION "\"} 1\n");
  const bus::OwnProcess process = bus::own_process();
  add(out, "process_cpu_seconds_total", Type::counter, "CPU time of this gateway.",
      number(static_cast<double>(process.cpu.count()) / 1e3));
  add(out, "process_resident_memory_bytes", Type::gauge, "Memory of this gateway.",
      std::to_string(process.resident_bytes));
  add(out, "process_open_fds", Type::gauge, "Open file descriptors of this gateway.",
      std::to_string(process.open_fds));
  add(out, "process_max_fds", Type::gauge, "How many file descriptors this gateway may have.",
      std::to_string(process.max_fds));
}

}  // namespace

std::string metrics_text(const std::optional<MonitorCounters>& monitor, const OwnCounters& own) {
  std::string out;
  add(out, "heartbeat_up", Type::gauge, "1 = the monitor answers.", monitor ? "1" : "0");
  if (monitor) {
    add_monitor(out, *monitor);
  }
  add_own(out, own);
  return out;
}

}  // namespace heartbeat::hbgate
