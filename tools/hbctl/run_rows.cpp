#include "run_rows.hpp"

#include "telling/duration.hpp"
#include "telling/run_state.hpp"

namespace heartbeat::hbctl {

namespace {

std::string limit_text(Duration left, Duration limit, const std::string& from) {
  return "in " + format_duration(left) + " (limit " + format_exactly(limit) + ", from " + from +
         ")";
}

}  // namespace

std::vector<Row> rows_of(const RunDetail& run) {
  std::vector<Row> rows;
  const auto add = [&rows](const std::string& key, const std::string& value) {
    if (!value.empty()) {
      rows.push_back({{key, value}, Colour::none});
    }
  };
  add("agent", run.agent_id);
  add("run", run.run_id);
  add("task", run.task_id);
  add("type", run.agent_type);
  rows.push_back(
      {{"state", state_of(run) + (run.adopted ? ", adopted (no register was read)" : "")},
       run.stale ? Colour::yellow : Colour::none});
  add("phase", run.phase);
  add("progress", run.progress == 0 ? "" : std::to_string(run.progress));
  add("detail", run.detail);
  add("started",
      format_time(run.started_at) + " (" + format_duration(run.running_for_ms) + " ago)");
  add("last activity",
      format_time(run.last_activity_at) + " (" + format_duration(run.idle_for_ms) + " ago)");
  add("stale", run.stale ? "since " +
                               format_duration(run.idle_for_ms > run.stale_after_ms
                                                   ? run.idle_for_ms - run.stale_after_ms
                                                   : Duration{0}) +
                               " (limit " + format_exactly(run.stale_after_ms) + ", from " +
                               run.stale_after_from + ")"
                         : limit_text(run.stale_in_ms, run.stale_after_ms, run.stale_after_from));
  add("timeout", limit_text(run.timeout_in_ms, run.timeout_after_ms, run.timeout_after_from));
  add("open episode", run.episode);
  for (const LastEvent& event : run.last_events) {
    add("heard " + event.kind,
        format_time(event.read_at) + " (" + format_duration(event.ago_ms) + " ago)");
  }
  add("source", run.source.empty() ? "" : run.source + ", seq " + std::to_string(run.seq));
  add("sender's clock", run.sent_at ? format_time(*run.sent_at) : "");
  add("events", std::to_string(run.lost_events) + " lost, " + std::to_string(run.rejected_events) +
                    " rejected, " + std::to_string(run.zombie_events) + " zombie");
  return rows;
}

}  // namespace heartbeat::hbctl
