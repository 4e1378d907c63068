#include "cable.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <vector>

namespace heartbeat::test {
namespace {

sockaddr_un address_of(const std::string& endpoint) {
  const std::string path = endpoint.substr(std::strlen("ipc://"));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw std::invalid_argument(endpoint);
  }
  path.copy(address.sun_path, path.size());
  return address;
}

void check(bool fine, const char* what) {
  if (!fine) {
    throw std::system_error(errno, std::generic_category(), what);
  }
}

// What was handed on; nothing: that end is gone.
std::string_view relay(int from, int to, std::span<char> bytes) {
  const ssize_t got = recv(from, bytes.data(), bytes.size(), 0);
  for (ssize_t sent = 0; sent < got;) {
    const ssize_t done =
        send(to, bytes.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
    if (done <= 0) {
      return {};
    }
    sent += done;
  }
  return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

}  // namespace

Cable::Cable(const std::string& near, const std::string& far, Tape* tape) : far_(far), tape_(tape) {
  const sockaddr_un address = address_of(near);
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check(listener_ >= 0, "socket");
  check(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
  check(listen(listener_, 16) == 0, "listen");
  check(pipe2(order_, O_CLOEXEC) == 0, "pipe2");
  thread_ = std::thread([this] { run(); });
}

Cable::~Cable() {
  close(order_[1]);
  thread_.join();
  close(order_[0]);
  close(listener_);
}

void Cable::order(char what) {
  const int before = obeyed_;
  check(write(order_[1], &what, 1) == 1, "write");
  obeyed_.wait(before);
}

// False: it is the end.
bool Cable::obey() {
  char order = 'c';
  const bool more = read(order_[0], &order, 1) == 1;
  if (order == 'c') {
    for (; !pairs_.empty(); pairs_.pop_front()) {
      close_pair(pairs_.front());
    }
  } else {
    held_ = order == 'h';
  }
  ++obeyed_;
  obeyed_.notify_all();
  return more;
}

void Cable::accept_one() {
  const Pair pair{accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC),
                  socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), accepted_++};
  const sockaddr_un address = address_of(far_);
  if (pair.near < 0 || pair.far < 0 ||
      connect(pair.far, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(pair.near);
    close(pair.far);
    return;
  }
  pairs_.push_back(pair);
  if (tape_ != nullptr) {
    tape_->begin(pair.number);
  }
}

// False: an end is gone.
bool Cable::relay_both(const Pair& pair, bool from_near, bool from_far) {
  std::array<char, 65'536> bytes;
  if (from_near) {
    const std::string_view handed_on = relay(pair.near, pair.far, bytes);
    if (handed_on.empty()) {
      return false;
    }
    if (tape_ != nullptr) {
      tape_->take(pair.number, handed_on);
    }
  }
  return !from_far || !relay(pair.far, pair.near, bytes).empty();
}

void Cable::close_pair(const Pair& pair) {
  close(pair.near);
  close(pair.far);
  if (tape_ != nullptr) {
    tape_->end(pair.number);
  }
}

void Cable::run() {
  while (true) {
    std::vector<pollfd> items{{order_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Pair& pair : pairs_) {
      items.push_back({held_ ? -1 : pair.near, POLLIN, 0});
      items.push_back({pair.far, POLLIN, 0});
    }
    if (poll(items.data(), items.size(), -1) < 0) {
      continue;  // a signal
    }
    auto item = items.begin() + 2;
    for (auto pair = pairs_.begin(); pair != pairs_.end(); item += 2) {
      if (relay_both(*pair, item[0].revents != 0, item[1].revents != 0)) {
        ++pair;
      } else {
        close_pair(*pair);
        pair = pairs_.erase(pair);
      }
    }
    if (items[1].revents != 0) {
      accept_one();
    }
    if (items[0].revents != 0 && !obey()) {
      return;
    }
  }
}

}  // namespace heartbeat::test
