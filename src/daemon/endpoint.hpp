#pragma once

#include <string>

namespace heartbeat::daemon {

// tcp://HOST:PORT or ipc://PATH, by form only: whether the host exists and the port is free shows
// when it is bound.
bool is_endpoint(const std::string& text);

// TCP, and not on a loopback address.
bool leaves_this_machine(const std::string& endpoint);

}  // namespace heartbeat::daemon
