#include "output.hpp"
#include "run_rows.hpp"
#include "telling/json.hpp"

namespace heartbeat::hbctl {

int run_show(const Options& options, const ShowOptions& verb) {
  StatusClient client(options.endpoints.status, options.timeout);
  const auto answer = client.ask(AgentRequest{verb.agent_id, verb.run_id});
  const auto* reply = std::get_if<AgentReply>(&answer);
  if (reply == nullptr) {
    return fail(options, answer);
  }
  if (options.json) {
    print_json(success(*reply));
    return exit_ok;
  }
  for (std::size_t i = 0; i < reply->runs.size(); ++i) {
    if (i > 0) {
      print("");
    }
    print_table({}, rows_of(reply->runs[i]));
  }
  if (reply->runs_truncated) {
    print(more_runs);
  }
  return exit_ok;
}

}  // namespace heartbeat::hbctl
