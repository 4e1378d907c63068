// Which endpoints other machines can reach.
#pragma once

#include <string>

namespace heartbeat::daemon {

// True for ipc:// and for TCP on a loopback address. A name other than localhost may resolve to
// anything, and an interface other than lo may have any address: false.
bool is_local(const std::string& endpoint);

}  // namespace heartbeat::daemon
