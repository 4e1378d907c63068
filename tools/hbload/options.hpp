// What the command line says, and what each verb takes of it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "heartbeat/endpoints.hpp"
#include "mix.hpp"

namespace heartbeat::hbload {

// Exit codes; they stand in --help.
inline constexpr int exit_ok = 0;
inline constexpr int exit_no = 1;  // something was lost, rejected or missed, or this program failed
inline constexpr int exit_usage = 2;
inline constexpr int exit_silent = 3;         // the receiver does not answer or read
inline constexpr int exit_interrupted = 130;  // as shells say it of Ctrl-C

inline constexpr std::uint64_t agents_max = 50'000'000;  // their ids have eight digits
// A seq is written into a place of 32 bits; no sender gets further.
inline constexpr std::uint64_t count_max = 4'000'000'000;
inline constexpr std::uint64_t seconds_max = 1'000;
inline constexpr double over_seconds_max = 600;  // the load lasts longer

struct LoadOptions {
  Endpoints endpoints;
  bool json = false;
  std::uint64_t agents = 1'000;
  double rate = 0;              // events a second, of all processes together; 0 = no limit
  std::uint64_t batch = 1;      // events in a message; 1 = a map of its own for each
  std::uint64_t processes = 1;  // each with a connection and a source of its own
  Mix mix = default_mix();
  bool source_per_agent = false;
};

struct ThroughputOptions {
  std::optional<std::uint64_t> count;  // events; 0 = registers only
  double seconds = 5;                  // where no count is given
  std::optional<pid_t> receiver;       // whose CPU time is reported
};

struct LatencyOptions {
  std::uint64_t silent = 1'000;  // agents that fall silent
  double over_seconds = 10;      // their deadlines are spread over; 0 = all in the same millisecond
};

// Each prints its report and returns the exit code.
int run_throughput(const LoadOptions& options, const ThroughputOptions& verb);
int run_latency(const LoadOptions& options, const LatencyOptions& verb);

}  // namespace heartbeat::hbload
