#include "telling/why.hpp"

#include "telling/duration.hpp"
#include "telling/moment.hpp"
#include "telling/run_state.hpp"

namespace heartbeat::telling {

namespace {

void add(std::vector<Reason>& reasons, const std::string& about, const std::string& text,
         const std::string& severity = "") {
  reasons.push_back({about, text, severity});
}

std::string ago(WallTime at, Duration since) {
  return format_time(at) + ", " + format_duration(since) + " ago";
}

std::string verdict_of(const RunDetail& run) {
  if (run.stale) {
    return state_of(run) + ": idle for " + format_duration(run.idle_for_ms) + ", stale after " +
           format_exactly(run.stale_after_ms);
  }
  return state_of(run) + ": last activity " + format_duration(run.idle_for_ms) + " ago; stale in " +
         format_duration(run.stale_in_ms);
}

std::string timeout_of(Duration after, const std::string& from) {
  return "timeout after " + format_exactly(after) + " (from " + from + ")";
}

std::string limits_of(const RunDetail& run) {
  return "stale after " + format_exactly(run.stale_after_ms) + " (from " + run.stale_after_from +
         "), " + timeout_of(run.timeout_after_ms, run.timeout_after_from) + ", " +
         format_duration(run.timeout_in_ms) + " of it left";
}

void add_heard(std::vector<Reason>& reasons, const std::vector<LastEvent>& events) {
  for (const LastEvent& event : events) {
    add(reasons, "heard", event.kind + " at " + ago(event.read_at, event.ago_ms));
  }
}

void add_rejected(std::vector<Reason>& reasons, std::uint64_t events) {
  if (events != 0) {
    add(reasons, "rejected",
        std::to_string(events) +
            " of its events (hbctl counters: events_rejected_total says for which reasons)",
        "warning");
  }
}

}  // namespace

std::string end_of(const Error& ended) {
  const std::string outcome = ended.outcome.value_or("");
  return "ended at " + format_time(ended.ended_at.value_or(WallTime{})) + " by " +
         ended.ended_by.value_or("") + (outcome.empty() ? "" : ", outcome " + outcome);
}

std::vector<Reason> why(const Error& ended) {
  std::vector<Reason> reasons;
  add(reasons, "verdict", end_of(ended), ended.ended_by == "timeout" ? "error" : "");
  if (ended.running_for_ms && ended.timeout_after_ms) {
    add(reasons, "limits",
        "ran for " + format_duration(*ended.running_for_ms) + "; " +
            timeout_of(*ended.timeout_after_ms, ended.timeout_after_from.value_or("")));
  }
  add_heard(reasons, ended.last_events);
  add_rejected(reasons, ended.rejected_events.value_or(0));
  if (ended.zombie_events.value_or(0) != 0) {
    add(reasons, "zombies",
        std::to_string(*ended.zombie_events) +
            " late events revived nothing; if it still works, it has to register anew");
  }
  return reasons;
}

std::vector<Reason> why(const RunDetail& run) {
  std::vector<Reason> reasons;
  add(reasons, "agent", run.agent_id + (run.run_id.empty() ? "" : ", run " + run.run_id));
  add(reasons, "verdict", verdict_of(run), run.stale ? "warning" : "");
  add(reasons, "limits", limits_of(run));
  if (!run.grace.empty()) {
    add(reasons, "grace",
        run.grace == "restart"
            ? "the monitor was started not long ago: until then it warns of no silence"
            : "a reload made the limit shorter not long ago: until then this silence is allowed");
  }
  add_heard(reasons, run.last_events);
  if (run.adopted) {
    add(reasons, "adopted",
        "its register was not read: when it began is a guess unless it says so");
  }
  if (run.source.empty()) {
    add(reasons, "losses",
        "unknown: its events name no source, or one whose numbers began again, or had a gap "
        "over a restart of the monitor");
  } else if (run.lost_events == 0) {
    add(reasons, "losses", "none known after its last event");
  } else {
    add(reasons, "losses",
        std::to_string(run.lost_events) + " events of its source were lost on the bus after its " +
            "last event: the silence may be loss",
        "warning");
  }
  add_rejected(reasons, run.rejected_events);
  if (run.zombie_events != 0) {
    add(reasons, "zombies",
        std::to_string(run.zombie_events) +
            " events of an earlier run of this name came late: " + "is that one still running?",
        "warning");
  }
  if (run.blind_ms != Duration{}) {
    add(reasons, "blind",
        "the monitor itself was paused or down for " + format_duration(run.blind_ms) +
            " of this silence");
  }
  if (!run.storm.empty()) {
    add(reasons, "storm",
        "its silence is part of " + run.storm + ": look first at what its agents share", "warning");
  }
  return reasons;
}

Reason why(const Alert& alert) {
  std::string text = format_time(alert.raised_at) + " #" + std::to_string(alert.seq) + " " +
                     alert.severity + ": " + alert.message;
  if (alert.threshold_ms != Duration{} && alert.kind != "resolved") {
    text += " (limit " + format_exactly(alert.threshold_ms) + ")";
  }
  if (alert.overloaded) {
    text += "; judged although the monitor's input was behind";
  }
  if (alert.blind_ms != Duration{}) {
    text += "; the monitor was blind for " + format_duration(alert.blind_ms) + " of it";
  }
  if (alert.lost_events != 0) {
    text += "; " + std::to_string(alert.lost_events) + " events were lost before it";
  }
  if (!alert.storm.empty()) {
    text += "; part of storm " + alert.storm;
  }
  return {"alert", text, alert.severity};
}

}  // namespace heartbeat::telling
