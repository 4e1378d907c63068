#include "child.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
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

struct Pipes {
  Pipe output;
  Pipe error;
};

// In the child: what exec leaves as it is, and then the exec. Other threads may have been running,
// so that nothing here may allocate. Returns only where that failed.
void become(char* const* words, const Caller& caller, const sigset_t& mask, const Pipes* watched) {
  give_back(caller);
  if (watched != nullptr) {
    dup2(watched->output.write, STDOUT_FILENO);
    dup2(watched->error.write, STDERR_FILENO);
  }
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  execvp(words[0], words);
}

// What the child could not do, as errno has it; 0 = it has become the command.
int failure_of(const Pipe& told) {
  close(told.write);
  int failure = 0;
  ssize_t size = 0;
  do {
    size = read(told.read, &failure, sizeof failure);
  } while (size < 0 && errno == EINTR);
  close(told.read);
  return size == sizeof failure ? failure : 0;
}

}  // namespace

Child::Child(const std::vector<std::string>& words, const Caller& caller, const sigset_t& mask,
             bool watched) {
  std::vector<char*> arguments;
  for (const std::string& word : words) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  const Pipe told = make_pipe();
  const Pipes pipes = watched ? Pipes{make_pipe(), make_pipe()} : Pipes{};
  pid_ = fork();
  if (pid_ == 0) {
    become(arguments.data(), caller, mask, watched ? &pipes : nullptr);
    const int failure = errno;
    [[maybe_unused]] const auto written = write(told.write, &failure, sizeof failure);
    _exit(EXIT_FAILURE);
  }
  const int failed = pid_ < 0 ? errno : 0;
  if (watched) {
    close(pipes.output.write);
    close(pipes.error.write);
  }
  const int failure = failed != 0 ? failed : failure_of(told);
  if (failure != 0) {
    throw std::system_error(failure, std::generic_category(), words[0]);
  }
  output_ = pipes.output.read;
  error_ = pipes.error.read;
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
