#include "telling/history.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "options.hpp"
#include "output.hpp"
#include "table.hpp"

namespace heartbeat::hbctl {

namespace {

std::vector<std::string> cells_of(const store::AlertRecord& alert) {
  return {format_time(alert.raised_at),
          std::to_string(alert.seq),
          alert.severity,
          alert.kind,
          alert.agent_id.empty() ? "-" : alert.agent_id,
          alert.run_id.empty() ? "-" : alert.run_id,
          alert.message};
}

// A seq names an alert within its epoch alone: where there are several, each row says its own.
void print_alerts(const std::vector<store::AlertRecord>& alerts) {
  const bool epochs = std::ranges::any_of(
      alerts, [&](const store::AlertRecord& one) { return one.epoch != alerts.front().epoch; });
  const auto with_epoch = [&](std::vector<std::string> cells, const std::string& epoch) {
    if (epochs) {
      cells.insert(cells.begin() + 1, epoch);
    }
    return cells;
  };
  std::vector<Row> rows;
  for (const store::AlertRecord& alert : alerts) {
    rows.push_back({with_epoch(cells_of(alert), alert.epoch), colour_of(alert.severity)});
  }
  print_table(with_epoch({"RAISED", "SEQ", "SEVERITY", "KIND", "AGENT", "RUN", "MESSAGE"}, "EPOCH"),
              rows);
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
    print_alerts(alerts);
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
