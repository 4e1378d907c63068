#include "telling/why.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "output.hpp"
#include "table.hpp"
#include "telling/json.hpp"

namespace heartbeat::hbctl {

namespace {

Row row_of(const Reason& reason) {
  return {{reason.about, reason.text},
          reason.severity.empty() ? Colour::none : colour_of(reason.severity)};
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
  std::vector<Row> rows;
  if (error != nullptr) {
    for (const Reason& reason : why(*error)) {
      rows.push_back(row_of(reason));
    }
  } else {
    for (const RunDetail& run : reply->runs) {
      for (const Reason& reason : why(run)) {
        rows.push_back(row_of(reason));
      }
    }
    if (reply->runs_truncated) {
      rows.push_back({{"", more_runs}, Colour::none});
    }
  }
  for (const Alert& alert : alerts) {
    rows.push_back(row_of(why(alert)));
  }
  print_table({}, rows);
  return exit_ok;
}

}  // namespace heartbeat::hbctl
