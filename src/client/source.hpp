#pragma once

#include <string>

namespace heartbeat::client {

// The identity of a sender: 16 random hexadecimal digits, new at each call.
std::string random_source();

}  // namespace heartbeat::client
