#include "child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace heartbeat::hbctl {

namespace {

struct Pipe {
  int read = -1;
  int write = -1;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  return {ends[0], ends[1]};
}

// Closes the read end of `to`'s pipe when nobody takes what is written. False: that is so.
bool write_all(int to, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(to, bytes, size);
    if (written >= 0) {
      bytes += written;
      size -= static_cast<std::size_t>(written);
    } else if (errno == EAGAIN) {
      pollfd room{to, POLLOUT, 0};
      ::poll(&room, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

Child::Child(const std::vector<std::string>& words, const sigset_t& mask, bool watched) {
  std::vector<char*> arguments;
  for (const std::string& word : words) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // What this program ignores or blocks is not the command's concern; what its caller ignores is.
  sigset_t own;
  sigemptyset(&own);
  sigaddset(&own, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &own);
  posix_spawnattr_setsigmask(&attributes, &mask);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  Pipe output;
  Pipe error;
  if (watched) {
    output = make_pipe();
    error = make_pipe();
    posix_spawn_file_actions_adddup2(&actions, output.write, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, error.write, STDERR_FILENO);
  }
  const int failed =
      posix_spawnp(&pid_, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (watched) {
    close(output.write);
    close(error.write);
    output_ = output.read;
    error_ = error.read;
  }
  if (failed != 0) {
    throw std::system_error(failed, std::generic_category(), words[0]);
  }
}

Child::~Child() {
  for (const int end : {output_, error_}) {
    if (end >= 0) {
      close(end);
    }
  }
}

bool Child::relay(int from) {
  std::array<char, 65'536> bytes;
  const ssize_t size = ::read(from, bytes.data(), bytes.size());
  if (size < 0 && errno == EINTR) {
    return false;
  }
  const int to = from == output_ ? STDOUT_FILENO : STDERR_FILENO;
  if (size <= 0 || !write_all(to, bytes.data(), static_cast<std::size_t>(size))) {
    close(from);
    (from == output_ ? output_ : error_) = -1;
  }
  return size > 0;
}

int Child::wait() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace heartbeat::hbctl
