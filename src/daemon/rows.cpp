#include "daemon/rows.hpp"

#include <algorithm>
#include <string>

namespace heartbeat::daemon {
namespace {

Duration not_negative(Duration duration) { return std::max(duration, Duration{}); }

void fill(const core::Fleet& fleet, const core::Run& run, const Moment& moment, RunRow& row) {
  using core::Text;
  row.agent_id = run.agent_id();
  row.run_id = run.run_id();
  row.task_id = run.texts.get(Text::task_id);
  row.agent_type = run.texts.get(Text::agent_type);
  row.status = run.state == core::RunState::idle ? "idle" : "running";
  row.stale = run.stale;
  row.adopted = run.adopted;
  row.started_at = moment.at(run.started);
  row.last_activity_at = moment.at(run.last_activity);
  row.running_for_ms = not_negative(moment.now - run.started);
  row.idle_for_ms = not_negative(moment.now - run.last_activity);
  // A run stays stale until it is heard, also where new limits would allow the silence.
  row.stale_in_ms = run.stale ? Duration{} : not_negative(fleet.stale_deadline(run) - moment.now);
  row.timeout_in_ms = not_negative(fleet.timeout_deadline(run) - moment.now);
  row.phase = run.texts.get(Text::phase);
  row.progress = run.progress;
  row.detail = run.texts.get(Text::detail);
  row.lost_events = fleet.lost_events(run, moment.now);
}

std::vector<LastEvent> last_events(const core::Run& run, const Moment& moment) {
  std::vector<LastEvent> events;
  // Within one millisecond: a run's register comes before the rest, and its state tells which of
  // activity and idle came last.
  const bool idle_last = run.state == core::RunState::idle;
  for (const EventKind kind :
       {idle_last ? EventKind::idle : EventKind::activity,
        idle_last ? EventKind::activity : EventKind::idle, EventKind::register_}) {
    if (const auto read = run.last_event(kind)) {
      events.push_back(
          {std::string{name(kind)}, not_negative(moment.now - *read), moment.at(*read)});
    }
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const LastEvent& a, const LastEvent& b) { return a.ago_ms < b.ago_ms; });
  return events;
}

const char* timeout_after_from(const core::Run& run) {
  return run.rare().timeout_after != Duration{} ? "register" : "configuration";
}

const char* name_of(core::Fleet::Grace grace) {
  using enum core::Fleet::Grace;
  return grace == restart ? "restart" : grace == reload ? "reload" : "";
}

}  // namespace

WallTime Moment::at(Instant instant) const { return std::max(wall - (now - instant), WallTime{}); }

RunRow row(const core::Fleet& fleet, const core::Run& run, const Moment& moment) {
  RunRow row;
  fill(fleet, run, moment, row);
  return row;
}

RunDetail detail(const core::Fleet& fleet, const core::Run& run, const Moment& moment,
                 const AlertLog& alerts) {
  RunDetail detail;
  fill(fleet, run, moment, detail);
  detail.stale_after_ms = fleet.stale_after(run);
  detail.stale_after_from = run.has_promise() ? "promise" : "configuration";
  detail.grace = run.stale ? "" : name_of(fleet.grace(run));
  detail.timeout_after_ms = fleet.timeout_after(run);
  detail.timeout_after_from = timeout_after_from(run);
  detail.episode = alerts.episode_id(run.rare().episode);
  detail.last_events = last_events(run, moment);
  detail.source = fleet.source_name(run, moment.now);
  detail.seq = run.source.seq;
  detail.sent_at = run.sent_at;
  detail.blind_ms = fleet.blind(run, moment.now);
  detail.storm = fleet.in_storm(run) ? alerts.episode_id(fleet.storm()) : std::string{};
  detail.rejected_events = run.rare().rejected_events;
  detail.zombie_events = run.rare().zombie_events;
  return detail;
}

void tell_end(const core::Fleet& fleet, const core::Run& ended, const Moment& moment,
              Error& error) {
  const core::RareFacts& rare = ended.rare();
  const std::string_view outcome = ended.texts.get(core::Text::outcome);
  error.ended_at = moment.at(rare.ended_at);
  error.ended_by = ended.ended_by == core::EndedBy::timeout ? "timeout" : "unregister";
  if (!outcome.empty()) {
    error.outcome = outcome;
  }
  error.running_for_ms = not_negative(rare.ended_at - ended.started);
  error.timeout_after_ms = fleet.timeout_after(ended);
  error.timeout_after_from = timeout_after_from(ended);
  error.last_events = last_events(ended, moment);
  error.rejected_events = rare.rejected_events;
  error.zombie_events = rare.zombie_events;
}

}  // namespace heartbeat::daemon
