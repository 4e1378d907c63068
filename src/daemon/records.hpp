// Runs, sources and alerts between the fleet and the state file.
#pragma once

#include <optional>

#include "core/fleet.hpp"
#include "daemon/alert_log.hpp"
#include "store/records.hpp"

namespace heartbeat::daemon {

store::RunRecord record_of(core::Slot slot, const core::Run& run);
store::SourceRecord record_of(core::Slot slot, const core::Source& source);
store::AlertRecord record_of(const AlertLog::Entry& entry);

core::Run run_of(const store::RunRecord& record);
core::Source source_of(const store::SourceRecord& record);
// nullopt: its payload is none of the alert's.
std::optional<Alert> alert_of(const store::AlertRecord& record);

}  // namespace heartbeat::daemon
