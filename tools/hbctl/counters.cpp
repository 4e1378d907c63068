#include "output.hpp"
#include "table.hpp"
#include "telling/json.hpp"

namespace heartbeat::hbctl {

int run_counters(const Options& options) {
  StatusClient client(options.endpoints.status, options.timeout);
  const auto answer = client.ask(CountersRequest{});
  const auto* reply = std::get_if<CountersReply>(&answer);
  if (reply == nullptr) {
    return fail(options, answer);
  }
  if (options.json) {
    print_json(success(*reply));
    return exit_ok;
  }
  std::vector<Row> rows;
  for (const auto& [name, count] : reply->counters) {
    rows.push_back({{name, std::to_string(count)}, Colour::none});
  }
  print_table({"COUNTER", "VALUE"}, rows);
  return exit_ok;
}

}  // namespace heartbeat::hbctl
