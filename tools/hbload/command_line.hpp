// From argv to a verb that is ready to run.
#pragma once

#include <functional>

namespace heartbeat::hbload {

// Returns the chosen verb; running it gives the exit code. For --help and for what cannot be
// understood, prints and returns a verb that only gives the exit code.
std::function<int()> parse_command_line(int argc, char** argv);

}  // namespace heartbeat::hbload
