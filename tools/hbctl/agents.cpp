#include <algorithm>
#include <iterator>

#include "output.hpp"
#include "table.hpp"
#include "telling/json.hpp"
#include "telling/run_state.hpp"

namespace heartbeat::hbctl {

namespace {

// Sorts, and keeps the `limit` most urgent.
void keep_most_urgent(std::vector<RunRow>& runs, std::uint64_t limit) {
  std::sort(runs.begin(), runs.end(), more_urgent);
  if (runs.size() > limit) {
    runs.resize(limit);
  }
}

}  // namespace

int run_agents(const Options& options, const AgentsOptions& verb) {
  StatusClient client(options.endpoints.status, options.timeout);
  AgentsRequest request{
      .limit = limit_max, .after = std::nullopt, .status = verb.state, .agent = verb.agent};
  std::vector<RunRow> runs;
  // The monitor lists in no order, so the most urgent are known only at the end of all pages.
  do {
    auto answer = client.ask(request);
    auto* page = std::get_if<AgentsReply>(&answer);
    if (page == nullptr) {
      return fail(options, answer);
    }
    std::move(page->agents.begin(), page->agents.end(), std::back_inserter(runs));
    if (runs.size() / 2 > verb.limit) {
      keep_most_urgent(runs, verb.limit);
    }
    request.after = page->next;
  } while (request.after);
  keep_most_urgent(runs, verb.limit);
  if (options.json) {
    print_json({{"success", true}, {"agents", to_json(runs)}});
  } else if (runs.empty()) {
    print("no runs in flight" + std::string(verb.state || verb.agent ? " that match" : ""));
  } else {
    print_runs(runs);
  }
  return exit_ok;
}

}  // namespace heartbeat::hbctl
