// What of the command line the monitor would have to reject, to be said before anything is sent or
// started.
#pragma once

#include <string>
#include <string_view>

#include "client/fitting.hpp"

namespace heartbeat::hbctl {

// Why `text` cannot stand in a string field with these bounds, and what can; "" where it can.
std::string why_unusable(std::string_view text, Bounds bounds);

template <class Member>
std::string why_unusable(Member Event::*field, std::string_view text) {
  return why_unusable(text, client::bounds_of(field));
}

}  // namespace heartbeat::hbctl
