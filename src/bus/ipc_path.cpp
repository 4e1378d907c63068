#include "bus/ipc_path.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace heartbeat::bus {

IpcPath look_at_ipc_path(const std::string& path) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return IpcPath::unusable;
  }
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) {
    return errno == ENOENT ? IpcPath::free : IpcPath::unusable;
  }
  if (!S_ISSOCK(found.st_mode)) {
    return IpcPath::not_a_socket;
  }
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    throw std::system_error(errno, std::generic_category(), "socket");
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int result = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = result == 0 ? 0 : errno;
  close(fd);
  // Anything but a refusal (a full backlog, no permission) means that somebody is there.
  return error == ECONNREFUSED || error == ENOENT ? IpcPath::free : IpcPath::in_use;
}

}  // namespace heartbeat::bus
