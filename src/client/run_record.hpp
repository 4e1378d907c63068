// What a run and the client's sender thread share.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>

#include "heartbeat/agent_client.hpp"

namespace heartbeat {

// Milliseconds of the boot clock, the monitor's, which counts through suspend: what an agent did
// before that is as old as it is. The monotonic clock's coarse reading would cost 20 ns less.
inline std::int64_t boot_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000 + now.tv_nsec / 1'000'000;
}

struct AgentRun::Record {
  // Written by the agent's threads, read by the sender.
  std::atomic<std::int64_t> active{0};  // the last activity; 0 = none since it was told
  std::atomic<std::uint64_t> progress{0};

  // Guarded by the sender's mutex.
  bool finished = false;

  // Fixed before the sender sees it.
  std::string agent_id;
  std::string run_id;
  std::optional<Duration> timeout_after;

  // The sender's own: what was handed over so far, told or not.
  std::int64_t active_latest = 0;
  bool idle_latest = false;

  // The run as it was told so far.
  std::int64_t started = 0;
  std::string task_id;
  std::string agent_type;
  std::string phase;
  std::string detail;
  bool idle = false;
  std::int64_t active_told = 0;
  std::uint64_t progress_told = 0;
  std::optional<std::int64_t> promised_until;
  std::size_t place = 0;  // among the sender's runs

  // What the monitor knows it by.
  std::string name() const { return agent_id + '\0' + run_id; }
};

}  // namespace heartbeat
