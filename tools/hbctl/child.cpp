#include "child.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

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

int Child::take_output() { return std::exchange(output_, -1); }

int Child::take_error() { return std::exchange(error_, -1); }

int Child::wait() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace heartbeat::hbctl
