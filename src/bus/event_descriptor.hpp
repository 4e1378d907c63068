// Something that happened, as a descriptor to poll: how one thread tells another.
#pragma once

namespace heartbeat::bus {

class EventDescriptor {
 public:
  // Throws std::system_error.
  EventDescriptor();
  ~EventDescriptor();
  EventDescriptor(const EventDescriptor&) = delete;
  EventDescriptor& operator=(const EventDescriptor&) = delete;

  // Readable from set() on until reset().
  int fd() const { return fd_; }
  void set() const;
  void reset() const;

 private:
  int fd_;
};

}  // namespace heartbeat::bus
