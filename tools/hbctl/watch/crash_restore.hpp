// Whatever ends the program, it must not leave a terminal behind that echoes nothing: a fault is
// caught, and against SIGKILL a second process waits for the end of the first.
#pragma once

#include <termios.h>

namespace heartbeat::hbctl::watch {

// Until end_crash_restore(), a signal that ends the program for a fault of its own first leaves the
// screen and sets the terminal to `before`; where it is killed, its guard does so a moment later.
// REQUIRES: the terminal library has begun. Throws std::system_error.
void begin_crash_restore(const termios& before);
void end_crash_restore();

}  // namespace heartbeat::hbctl::watch
