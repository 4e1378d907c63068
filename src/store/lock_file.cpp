#include "store/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "store/state_file.hpp"

namespace heartbeat::store {

namespace {

constexpr std::size_t content_max = 24;  // more than the number of any process, and a line's end

std::string content(int fd) {
  std::string text(content_max, '\0');
  const ssize_t length = pread(fd, text.data(), text.size(), 0);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  return text;
}

// " (process 4711)", or nothing where no number is to be read.
std::string holder(int fd) {
  const std::string text = content(fd);
  const std::string number = text.substr(0, text.find_first_not_of("0123456789"));
  return number.empty() ? "" : " (process " + number + ")";
}

// Empty, or what a monitor left there. A power cut may leave zeros.
bool is_monitors(int fd) {
  using namespace std::string_view_literals;
  const std::string text = content(fd);
  return text.size() < content_max && text.find_first_not_of("0123456789\n\0"sv) == text.npos;
}

}  // namespace

LockFile::LockFile(const std::string& state_file)
    : path_(state_file + ".lock"), fd_(open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  if (fd_ < 0) {
    throw Unusable(state_file + ": cannot open " + path_ + " beside it: " + std::strerror(errno) +
                   "; the monitor must be able to write to that folder");
  }
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    const std::string who = error == EWOULDBLOCK ? holder(fd_) : "";
    close(fd_);
    throw Unusable(error == EWOULDBLOCK
                       ? state_file + ": another monitor" + who +
                             " has it open; end that one, or give this one a file of its own"
                       : state_file + ": cannot lock " + path_ + ": " + std::strerror(error) +
                             "; use a file system that has locks");
  }
  if (!is_monitors(fd_)) {
    close(fd_);
    throw Unusable(state_file + ": " + path_ +
                   ", which is to be its lock, is another program's; name another");
  }
  // For the message above only, so it does not matter if it cannot be written.
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd_, 0) == 0) {
    [[maybe_unused]] const ssize_t written = pwrite(fd_, pid.data(), pid.size(), 0);
  }
}

LockFile::~LockFile() { close(fd_); }

bool LockFile::moved() const {
  struct stat held {};
  struct stat named {};
  return fstat(fd_, &held) != 0 || stat(path_.c_str(), &named) != 0 ||
         held.st_dev != named.st_dev || held.st_ino != named.st_ino;
}

}  // namespace heartbeat::store
