// All counters and gauges of the monitor, under the names of the status socket. Those of the
// process are read for this.
#pragma once

#include "core/fleet.hpp"
#include "daemon/alert_log.hpp"
#include "daemon/health.hpp"
#include "heartbeat/status.hpp"

namespace heartbeat::daemon {

CounterList list_counters(const core::Fleet& fleet, const AlertLog& alerts, const Health& health,
                          Instant now);

}  // namespace heartbeat::daemon
