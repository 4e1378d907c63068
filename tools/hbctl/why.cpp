// Explains a verdict: everything that the monitor knows that speaks for it or against it.
#include <algorithm>
#include <string>
#include <vector>

#include "duration.hpp"
#include "json.hpp"
#include "output.hpp"
#include "table.hpp"

namespace heartbeat::hbctl {

namespace {

using Lines = std::vector<Row>;

void add(Lines& lines, const std::string& about, const std::string& text,
         Colour colour = Colour::none) {
  lines.push_back({{about, text}, colour});
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

std::string limits_of(const RunDetail& run) {
  return "stale after " + format_exactly(run.stale_after_ms) + " (from " + run.stale_after_from +
         "), timeout after " + format_exactly(run.timeout_after_ms) + " (from " +
         run.timeout_after_from + "), " + format_duration(run.timeout_in_ms) + " of it left";
}

void explain(const RunDetail& run, Lines& lines) {
  add(lines, "agent", run.agent_id + (run.run_id.empty() ? "" : ", run " + run.run_id));
  add(lines, "verdict", verdict_of(run), run.stale ? Colour::yellow : Colour::none);
  add(lines, "limits", limits_of(run));
  for (const LastEvent& event : run.last_events) {
    add(lines, "heard", event.kind + " at " + ago(event.read_at, event.ago_ms));
  }
  if (run.adopted) {
    add(lines, "adopted", "its register was not read: when it began is a guess unless it says so");
  }
  if (run.source.empty()) {
    add(lines, "losses", "unknown: its events name no source, so a gap would not show");
  } else if (run.lost_events == 0) {
    add(lines, "losses", "none known after its last event");
  } else {
    add(lines, "losses",
        std::to_string(run.lost_events) + " events of its source were lost on the bus after its " +
            "last event: the silence may be loss",
        Colour::yellow);
  }
  if (run.rejected_events != 0) {
    add(lines, "rejected",
        std::to_string(run.rejected_events) +
            " of its events (hbctl counters: " + "events_rejected_total says for which reasons)",
        Colour::yellow);
  }
  if (run.zombie_events != 0) {
    add(lines, "zombies",
        std::to_string(run.zombie_events) +
            " events of an earlier run of this name came late: " + "is that one still running?",
        Colour::yellow);
  }
  if (run.blind_ms != Duration{}) {
    add(lines, "blind",
        "the monitor itself was paused or down for " + format_duration(run.blind_ms) +
            " of this silence");
  }
  if (!run.storm.empty()) {
    add(lines, "storm",
        "its silence is part of " + run.storm + ": look first at what its agents share",
        Colour::yellow);
  }
}

void explain(const Alert& alert, Lines& lines) {
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
  add(lines, "alert", text, colour_of(alert.severity));
}

// The agent's alerts among those that the monitor keeps, the last few of them. False: no answer.
bool collect_alerts(StatusClient& client, const ShowOptions& of, std::vector<Alert>& alerts) {
  constexpr std::size_t shown_max = 10;
  AlertsRequest request;
  request.limit = limit_max;
  while (true) {
    auto answer = client.ask(request);
    auto* page = std::get_if<AlertsReply>(&answer);
    if (page == nullptr) {
      return false;
    }
    // What follows in an epoch that begins between two pages is about other runs of these names.
    if (request.epoch && *request.epoch != page->epoch) {
      complain("the monitor was restarted meanwhile: this is what it knew before");
      break;
    }
    request.epoch = page->epoch;
    for (Alert& alert : page->alerts) {
      request.since_seq = alert.seq;
      if (alert.agent_id == of.agent_id && (!of.run_id || alert.run_id == *of.run_id)) {
        alerts.push_back(std::move(alert));
      }
    }
    if (page->alerts.empty() || request.since_seq >= page->last_seq) {
      break;
    }
  }
  alerts.erase(alerts.begin(),
               alerts.end() - static_cast<std::ptrdiff_t>(std::min(alerts.size(), shown_max)));
  return true;
}

}  // namespace

int run_why(const Options& options, const ShowOptions& verb) {
  StatusClient client(options.endpoints.status, options.timeout);
  const auto answer = client.ask(AgentRequest{verb.agent_id, verb.run_id});
  const auto* reply = std::get_if<AgentReply>(&answer);
  const auto* error = std::get_if<Error>(&answer);
  if (reply == nullptr && (error == nullptr || !error->ended_by)) {
    return fail(options, answer);
  }
  std::vector<Alert> alerts;
  if (!collect_alerts(client, verb, alerts)) {
    return fail(options, Unreachable{"it did not list its alerts"});
  }
  if (options.json) {
    Json out =
        reply != nullptr ? success(*reply) : Json{{"success", true}, {"runs", Json::array()}};
    if (error != nullptr) {
      out["ended"] = to_json(*error);
    }
    out["alerts"] = to_json(alerts);
    print_json(out);
    return exit_ok;
  }
  Lines lines;
  if (error != nullptr) {
    add(lines, "verdict", end_of(*error));
    if (error->zombie_events.value_or(0) != 0) {
      add(lines, "zombies",
          std::to_string(*error->zombie_events) +
              " late events revived nothing; if it still works, it has to register anew");
    }
  } else {
    for (const RunDetail& run : reply->runs) {
      explain(run, lines);
    }
  }
  for (const Alert& alert : alerts) {
    explain(alert, lines);
  }
  print_table({}, lines);
  return exit_ok;
}

}  // namespace heartbeat::hbctl
