#include <algorithm>

#include "last_alert.hpp"
#include "output.hpp"
#include "table.hpp"
#include "telling/duration.hpp"
#include "telling/json.hpp"
#include "telling/run_state.hpp"

namespace heartbeat::hbctl {

namespace {

constexpr std::size_t rows_shown = 20;

void print_summary(const StatusReply& reply) {
  const MonitorConfig& config = reply.monitor.config;
  const RunCounts& counts = reply.counts;
  const std::string health = reply.health.overloaded ? "overloaded" : reply.status;
  print("monitor     " +
        coloured(shown(health), reply.health.overloaded ? Colour::red : Colour::green) +
        ", version " + shown(reply.health.version) + ", up " +
        format_duration(reply.health.uptime_ms) + ", epoch " + shown(reply.health.epoch));
  if (reply.health.state_file == "left") {
    print("state file  " + coloured("left", Colour::red) +
          ": alerts could not be written in time; those since are not in it, and a restart "
          "forgets them. See the log, then start the monitor again");
  }
  if (reply.health.state_file == "failing") {
    print("state file  " + coloured("failing", Colour::red) +
          ": nothing can be written to it just now; a restart forgets what changed since. See the "
          "log");
  }
  if (!reply.health.storm.empty()) {
    print("storm       " + coloured(shown(reply.health.storm), Colour::red) +
          ": many fell silent together; look first at what they share");
  }
  print("runs        " + std::to_string(reply.monitor.agents_monitoring) + " in flight: " +
        std::to_string(counts.running) + " running, " + std::to_string(counts.idle) + " idle; " +
        coloured(std::to_string(counts.stale) + " stale",
                 counts.stale > 0 ? Colour::yellow : Colour::none));
  print("thresholds  stale after " + format_exactly(config.stale_threshold_ms) +
        ", timeout after " + format_exactly(config.timeout_threshold_ms) +
        (config.stale_warning_only_once
             ? std::string(", one warning per silence")
             : ", warnings repeated every " + format_exactly(config.check_interval_ms)));
}

void print_last_alert(StatusClient& client) {
  const auto answer = last_alert(client);
  const auto* last = std::get_if<std::optional<Alert>>(&answer);
  if (last != nullptr && *last) {
    const Alert& alert = **last;
    print("last alert  #" + std::to_string(alert.seq) + " at " + format_time(alert.raised_at) +
          ", " + coloured(shown(alert.severity), colour_of(alert.severity)) + ": " +
          shown(alert.message));
  }
}

}  // namespace

int run_status(const Options& options) {
  StatusClient client(options.endpoints.status, options.timeout);
  auto answer = client.ask(StatusRequest{});
  auto* reply = std::get_if<StatusReply>(&answer);
  if (reply == nullptr) {
    return fail(options, answer);
  }
  if (options.json) {
    print_json(success(*reply));
    return exit_ok;
  }
  print_summary(*reply);
  print_last_alert(client);
  std::vector<RunRow>& runs = reply->in_flight_agents;
  std::sort(runs.begin(), runs.end(), more_urgent);
  runs.resize(std::min(runs.size(), rows_shown));
  if (!runs.empty()) {
    print("");
    print_runs(runs);
  }
  if (reply->monitor.agents_monitoring > runs.size()) {
    print("… and " + std::to_string(reply->monitor.agents_monitoring - runs.size()) +
          " more: hbctl agents");
  }
  return exit_ok;
}

}  // namespace heartbeat::hbctl
