#include <cstdlib>
#include <heartbeat/agent_client.hpp>

int main() {
  const char* events = std::getenv("HB_EVENTS");
  heartbeat::AgentClient client({.events = events ? events : "tcp://127.0.0.1:5570"});
  heartbeat::AgentRun run(client, {.agent_id = "builder", .task_id = "T-42"});
  for (unsigned step = 1; step <= 3; ++step) {
    run.progress(step);  // after each piece of work, as often as you like
  }
}  // the run ends with its scope: `done`, or `failed` where an exception leaves it
