// The monitor's counters, and this process's own, in Prometheus's text format 0.0.4:
// https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heartbeat/status.hpp"

namespace heartbeat::hbgate {

// What this process counts of itself.
struct OwnCounters {
  std::map<unsigned, std::uint64_t> responses;  // by status
  std::uint64_t turned_away = 0;                // connections and requests that were too many
  std::uint64_t connections = 0;
  std::uint64_t streams = 0;
  bool alerts_heard = true;       // on the monitor's alert socket
  std::uint64_t alerts_lost = 0;  // that were kept no longer when the gateway asked for them
};

struct MonitorCounters {
  std::string version;
  CounterList counters;
};

// nullopt: the monitor does not answer; then heartbeat_up is 0 and only what is known here follows.
std::string metrics_text(const std::optional<MonitorCounters>& monitor, const OwnCounters& own);

}  // namespace heartbeat::hbgate
