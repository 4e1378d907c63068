// A crash must not leave a terminal behind that echoes nothing.
#pragma once

#include <termios.h>

namespace heartbeat::hbctl::watch {

// Until end_crash_restore(), a signal that ends the program for a fault of its own first leaves the
// screen and sets the terminal to `before`. REQUIRES: the terminal library has begun.
void begin_crash_restore(const termios& before);
void end_crash_restore();

}  // namespace heartbeat::hbctl::watch
