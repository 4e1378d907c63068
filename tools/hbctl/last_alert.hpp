// The newest alert: what was given up is no longer in flight, but still the news.
#pragma once

#include <optional>

#include "heartbeat/status_client.hpp"

namespace heartbeat::hbctl {

// The last alert of the monitor's epoch, nullopt if there is none. `known` is the one of an earlier
// answer, which is not asked for again while it is still the last.
Answer<std::optional<Alert>> last_alert(StatusClient& client,
                                        const std::optional<Alert>& known = std::nullopt);

}  // namespace heartbeat::hbctl
