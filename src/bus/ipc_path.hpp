// libzmq unlinks whatever is at the path of an ipc:// endpoint, also the socket of a living
// monitor, and takes its agents over without a word. So we look before it binds.
#pragma once

#include <string>

namespace heartbeat::bus {

enum class IpcPath {
  free,          // nothing there, or a socket that nobody answers
  in_use,        // somebody answered
  not_a_socket,  // a file of another kind
  unusable,      // it cannot be looked at, or is too long for a socket
};

IpcPath look_at_ipc_path(const std::string& path);

}  // namespace heartbeat::bus
