// What the loop knows of itself, for status replies and counters.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/histogram.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::daemon {

inline constexpr std::array<std::uint64_t, 13> turn_bounds_us{
    10, 25, 50, 100, 250, 500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000};
// An alert leaves within 10 ms of its deadline while the monitor keeps up with its input, and waits
// for that at most ingest_lag_max_ms.
inline constexpr std::array<std::uint64_t, 11> detection_delay_bounds_ms{
    1, 2, 5, 10, 25, 50, 100, 500, 1'000, 5'000, 30'000};

struct Health {
  Instant started;
  Instant checked_to;  // deadlines before this instant have been looked at
  Duration ingest_lag_ms{};
  bool overloaded = false;
  std::uint64_t loop_stalls_total = 0;  // pauses of this process
  Duration loop_stall_max_ms{};
  core::Histogram<turn_bounds_us> turn_us;  // without its sleep
  // From a deadline to the publication of its alert: timeouts and first warnings.
  core::Histogram<detection_delay_bounds_ms> detection_delay_ms;
  std::uint64_t state_changes_waiting = 0;  // records that differ from the file's, about
  // Age of the oldest change that is not in the file. The times of last activities, which go into
  // it by turns, are none.
  Duration state_lag_ms{};
  std::uint64_t state_commits_total = 0;
  std::uint64_t state_failures_total = 0;
  std::uint64_t state_epochs_left_total = 0;  // because an alert could not wait for the file
  Duration state_commit_max_ms{};
  std::string state_file = "none";  // kept, failing, left: as the beat says it
  std::uint64_t messages_received_total = 0;
  std::uint64_t status_requests_total = 0;
  std::uint64_t status_errors_total = 0;  // requests that were answered with an error
  std::uint64_t config_reloads_total = 0;
  std::uint64_t config_reload_failures_total = 0;
};

}  // namespace heartbeat::daemon
