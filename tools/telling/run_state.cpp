#include "telling/run_state.hpp"

#include <algorithm>
#include <tuple>

namespace heartbeat::telling {

namespace {

Duration least_left(const RunRow& run) { return std::min(run.stale_in_ms, run.timeout_in_ms); }

}  // namespace

std::string state_of(const RunRow& run) {
  if (!run.stale) {
    return run.status;
  }
  return run.status == "running" ? "stale" : "stale, " + run.status;
}

bool more_urgent(const RunRow& a, const RunRow& b) {
  if (a.stale != b.stale) {
    return a.stale;
  }
  const Duration a_key = a.stale ? -a.idle_for_ms : least_left(a);
  const Duration b_key = b.stale ? -b.idle_for_ms : least_left(b);
  return std::tie(a_key, a.agent_id, a.run_id) < std::tie(b_key, b.agent_id, b.run_id);
}

}  // namespace heartbeat::telling
