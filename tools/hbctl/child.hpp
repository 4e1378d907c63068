// A command as a child process.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <string>
#include <vector>

#include "caller.hpp"

namespace heartbeat::hbctl {

class Child {
 public:
  // Starts `words` as execvp() does, as if by the caller of this program, with this signal mask.
  // With `watched` its standard output and error are pipes, else they are the caller's. Throws
  // std::system_error with the command's name if it cannot be started.
  Child(const std::vector<std::string>& words, const Caller& caller, const sigset_t& mask,
        bool watched);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // The read ends of its pipes, for the caller to close; -1 where it is not watched.
  int take_output();
  int take_error();
  // Its wait status once it has ended, which is awaited.
  int wait();

 private:
  pid_t pid_ = -1;
  int output_ = -1;
  int error_ = -1;
};

}  // namespace heartbeat::hbctl
