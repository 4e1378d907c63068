// Runs as the status socket shows them.
#pragma once

#include "core/fleet.hpp"
#include "daemon/alert_log.hpp"
#include "heartbeat/status.hpp"

namespace heartbeat::daemon {

// The moment of a reply, by both clocks.
struct Moment {
  Instant now;
  WallTime wall;
  // When `instant` was, for people; not before 1970, whatever the wall clock says now.
  WallTime at(Instant instant) const;
};

RunRow row(const core::Fleet& fleet, const core::Run& run, const Moment& moment);
RunDetail detail(const core::Fleet& fleet, const core::Run& run, const Moment& moment,
                 const AlertLog& alerts);
// What a not_found says of a run that has ended.
void tell_end(const core::Fleet& fleet, const core::Run& ended, const Moment& moment, Error& error);

}  // namespace heartbeat::daemon
