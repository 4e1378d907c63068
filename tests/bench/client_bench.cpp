// What a report costs the agent's thread.
#include <benchmark/benchmark.h>

#include "heartbeat/agent_client.hpp"

namespace heartbeat {
namespace {

AgentClientOptions nobody() {
  AgentClientOptions options;
  options.events = "ipc:///tmp/heartbeat-bench-nobody";
  options.linger = Duration{0};
  return options;
}

void client_activity(benchmark::State& state) {
  AgentClient client{nobody()};
  AgentRun run{client, {.agent_id = "bench"}};
  for (auto _ : state) {
    run.activity();
  }
}
BENCHMARK(client_activity);

void client_progress(benchmark::State& state) {
  AgentClient client{nobody()};
  AgentRun run{client, {.agent_id = "bench"}};
  std::uint64_t value = 0;
  for (auto _ : state) {
    run.progress(++value);
  }
}
BENCHMARK(client_progress);

}  // namespace
}  // namespace heartbeat
