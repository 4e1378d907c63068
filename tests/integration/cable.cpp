#include "cable.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
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

// False: that end is gone.
bool relay(int from, int to) {
  std::array<char, 65'536> bytes;
  const ssize_t got = recv(from, bytes.data(), bytes.size(), 0);
  for (ssize_t sent = 0; sent < got;) {
    const ssize_t done =
        send(to, bytes.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
    if (done <= 0) {
      return false;
    }
    sent += done;
  }
  return got > 0;
}

}  // namespace

Cable::Cable(const std::string& near, const std::string& far) : far_(far) {
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

void Cable::cut() {
  const int before = cuts_;
  check(write(order_[1], "c", 1) == 1, "write");
  cuts_.wait(before);
}

void Cable::accept_one() {
  const Pair pair{accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC),
                  socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const sockaddr_un address = address_of(far_);
  if (pair.near < 0 || pair.far < 0 ||
      connect(pair.far, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(pair.near);
    close(pair.far);
    return;
  }
  pairs_.push_back(pair);
}

void Cable::run() {
  const auto close_pair = [](const Pair& pair) {
    close(pair.near);
    close(pair.far);
    return true;
  };
  while (true) {
    std::vector<pollfd> items{{order_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Pair& pair : pairs_) {
      items.push_back({pair.near, POLLIN, 0});
      items.push_back({pair.far, POLLIN, 0});
    }
    if (poll(items.data(), items.size(), -1) < 0) {
      continue;  // a signal
    }
    auto item = items.begin() + 2;
    for (auto pair = pairs_.begin(); pair != pairs_.end(); item += 2) {
      const bool whole = (item[0].revents == 0 || relay(pair->near, pair->far)) &&
                         (item[1].revents == 0 || relay(pair->far, pair->near));
      pair = !whole && close_pair(*pair) ? pairs_.erase(pair) : std::next(pair);
    }
    if (items[1].revents != 0) {
      accept_one();
    }
    if (items[0].revents != 0) {
      char order = 0;
      const bool more = read(order_[0], &order, 1) == 1;
      pairs_.remove_if(close_pair);
      if (!more) {
        return;
      }
      ++cuts_;
      cuts_.notify_all();
    }
  }
}

}  // namespace heartbeat::test
