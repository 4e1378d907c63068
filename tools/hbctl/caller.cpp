#include "caller.hpp"

#include <fcntl.h>

#include <cstddef>

#include "bus/descriptors.hpp"

namespace heartbeat::hbctl {

Caller take_over() {
  Caller caller;
  for (Caller::Action& action : caller.actions) {
    struct sigaction own {};
    own.sa_handler = action.signal == SIGPIPE ? SIG_IGN : SIG_DFL;
    sigaction(action.signal, &own, &action.before);
  }
  for (std::size_t number = 0; number < caller.closed.size(); ++number) {
    caller.closed[number] = fcntl(static_cast<int>(number), F_GETFD) < 0;
  }
  bus::hold_standard_descriptors();
  return caller;
}

void give_back(const Caller& caller) {
  for (const Caller::Action& action : caller.actions) {
    sigaction(action.signal, &action.before, nullptr);
  }
  for (std::size_t number = 0; number < caller.closed.size(); ++number) {
    if (caller.closed[number]) {
      close(static_cast<int>(number));
    }
  }
}

}  // namespace heartbeat::hbctl
