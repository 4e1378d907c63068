#include "relay.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace heartbeat::hbctl {

namespace {

constexpr std::size_t chunk_bytes = 65'536;

// False: nobody takes what is written.
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

Relay::Relay(int from, int to, std::function<void()> heard)
    : from_(from), to_(to), heard_(std::move(heard)), thread_([this] { run(); }) {}

Relay::~Relay() {
  finish();
  thread_.join();
}

void Relay::finish() { finish_.set(); }

void Relay::run() {
  bool more = true;
  while (more) {
    std::array<pollfd, 2> items{{{from_, POLLIN, 0}, {finish_.fd(), POLLIN, 0}}};
    ::poll(items.data(), items.size(), -1);
    if (items[1].revents != 0) {
      hand_on_rest();
      more = false;
    } else if (items[0].revents != 0) {
      more = hand_on(chunk_bytes) > 0;
    }
  }
  close(from_);
  ended_.set();
}

void Relay::hand_on_rest() {
  int waiting = 0;
  ioctl(from_, FIONREAD, &waiting);
  for (auto left = static_cast<std::size_t>(waiting); left > 0;) {
    const std::size_t handed_on = hand_on(left);
    if (handed_on == 0) {
      return;
    }
    left -= handed_on;
  }
}

std::size_t Relay::hand_on(std::size_t bytes_max) {
  std::array<char, chunk_bytes> bytes;
  ssize_t size = 0;
  do {
    size = ::read(from_, bytes.data(), std::min(bytes_max, bytes.size()));
  } while (size < 0 && errno == EINTR);
  if (size <= 0) {
    return 0;
  }
  heard_();
  const auto came = static_cast<std::size_t>(size);
  return write_all(to_, bytes.data(), came) ? came : 0;
}

}  // namespace heartbeat::hbctl
