#include "telling/history.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include "options.hpp"
#include "output.hpp"
#include "table.hpp"

namespace heartbeat::hbctl {

namespace {

Row row_of(const store::AlertRecord& alert) {
  return {{format_time(alert.raised_at), std::to_string(alert.seq), alert.severity, alert.kind,
           alert.agent_id.empty() ? "-" : alert.agent_id, alert.run_id.empty() ? "-" : alert.run_id,
           alert.message},
          colour_of(alert.severity)};
}

void print_history(const Options& options, const HistoryOptions& verb) {
  store::HistoryQuery query{.agent = verb.agent, .since = verb.since};
  query.limit = verb.limit.value_or(query.limit);
  const std::vector<store::AlertRecord> alerts = store::history(verb.state, query);
  if (options.json) {
    for (const store::AlertRecord& alert : alerts) {
      print_json(as_published(alert));  // reads as `alerts --json` does
    }
  } else if (alerts.empty()) {
    print("no alerts" + std::string(verb.agent || verb.since ? " that match" : ""));
  } else {
    std::vector<Row> rows;
    for (const store::AlertRecord& alert : alerts) {
      rows.push_back(row_of(alert));
    }
    print_table({"RAISED", "SEQ", "SEVERITY", "KIND", "AGENT", "RUN", "MESSAGE"}, rows);
  }
  if (!verb.limit && alerts.size() == query.limit) {
    complain("these are the newest " + std::to_string(query.limit) +
             " that match; there may be older ones: see --limit");
  }
}

}  // namespace

int run_history(const Options& options, const HistoryOptions& verb) {
  try {
    print_history(options, verb);
    return exit_ok;
  } catch (const store::Unusable& error) {
    if (options.json) {
      print_json(
          {{"success", false}, {"error", {{"code", "unusable"}, {"message", error.what()}}}});
    } else {
      complain(std::string("--state ") + error.what());
    }
    return exit_usage;
  }
}

}  // namespace heartbeat::hbctl
