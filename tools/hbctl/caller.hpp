// What this program changes of its process for its own sake, as its caller left it: a command that
// is run must not be able to tell.
#pragma once

#include <unistd.h>

#include <array>
#include <csignal>

namespace heartbeat::hbctl {

struct Caller {
  struct Action {
    int signal;
    struct sigaction before;
  };
  std::array<Action, 2> actions{{{SIGPIPE, {}}, {SIGCHLD, {}}}};
  std::array<bool, STDERR_FILENO + 1> closed{};  // which of standard input, output, error
};

// Notes all that, and then: a write to a closed pipe fails and ends nothing, the end of a child is
// told, and no socket of this program's becomes standard input, output or error. REQUIRES: nothing
// was opened yet. Throws std::system_error.
Caller take_over();

// The reverse, in a child and before its exec. Calls nothing that is not safe after a fork.
void give_back(const Caller& caller);

}  // namespace heartbeat::hbctl
