// What the loop knows of itself, for status replies and counters.
#pragma once

#include <cstdint>
#include <string>

#include "heartbeat/time.hpp"

namespace heartbeat::daemon {

struct Health {
  Instant started;
  Instant checked_to;  // deadlines before this instant have been looked at
  Duration ingest_lag_ms{};
  bool overloaded = false;
  std::uint64_t loop_stalls_total = 0;  // pauses of this process
  Duration loop_stall_max_ms{};
  std::uint64_t state_changes_waiting = 0;  // records that differ from the file's, about
  std::uint64_t state_commits_total = 0;
  std::uint64_t state_failures_total = 0;
  std::uint64_t state_epochs_left_total = 0;  // because an alert could not wait for the file
  Duration state_commit_max_ms{};
  std::string state_file = "none";  // kept, left: as the beat says it
  std::uint64_t messages_received_total = 0;
  std::uint64_t status_requests_total = 0;
  std::uint64_t status_errors_total = 0;  // requests that were answered with an error
  std::uint64_t config_reloads_total = 0;
  std::uint64_t config_reload_failures_total = 0;
};

}  // namespace heartbeat::daemon
