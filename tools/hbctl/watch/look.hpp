// Asks the monitor for one snapshot. A fleet may have a million runs, and nobody reads more than a
// screenful: so without a filter one `status` is asked for, which lists the most urgent first, and
// with a filter the monitor does the searching.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "heartbeat/status_client.hpp"
#include "watch/snapshot.hpp"

namespace heartbeat::hbctl::watch {

inline constexpr std::uint64_t runs_max = limit_default;  // listed in a snapshot

// The snapshot (its `at` is the caller's), or why there is none; nullopt when `go_on` said no
// between two questions. `known` is the alert that an earlier snapshot had as its last.
std::optional<std::variant<Snapshot, std::string>> look(StatusClient& client, const Wish& wish,
                                                        const std::optional<Alert>& known,
                                                        const std::function<bool()>& go_on);

}  // namespace heartbeat::hbctl::watch
