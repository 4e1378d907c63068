// Which run: its agent_id and its run_id.
#pragma once

#include <string>
#include <utility>

namespace heartbeat::simulation {

using RunName = std::pair<std::string, std::string>;

// For findings.
inline std::string shown(const RunName& name) { return name.first + "/" + name.second; }

}  // namespace heartbeat::simulation
