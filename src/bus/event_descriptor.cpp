#include "bus/event_descriptor.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace heartbeat::bus {

// Without blocking: reset() may come where nothing is set.
EventDescriptor::EventDescriptor() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
}

EventDescriptor::~EventDescriptor() { close(fd_); }

void EventDescriptor::set() const { eventfd_write(fd_, 1); }

void EventDescriptor::reset() const {
  eventfd_t count = 0;
  eventfd_read(fd_, &count);
}

}  // namespace heartbeat::bus
