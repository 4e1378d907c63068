#include "watch/lookout.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "bus/clock.hpp"
#include "watch/look.hpp"

namespace heartbeat::hbctl::watch {

namespace {

constexpr int pause_per_look = 9;  // in lengths of the look

}  // namespace

Flag::Flag() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
}

Flag::~Flag() { close(fd_); }

void Flag::raise() const { eventfd_write(fd_, 1); }

void Flag::lower() const {
  eventfd_t count = 0;
  eventfd_read(fd_, &count);
}

Lookout::Lookout(const std::string& endpoint, Duration timeout, Duration interval)
    : interval_(interval), client_(endpoint, timeout, 1, stop_.fd()), thread_([this] { run(); }) {}

Lookout::~Lookout() {
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
  }
  stop_.raise();
  changed_.notify_one();
  thread_.join();
}

void Lookout::want(const Wish& wish) {
  {
    const std::scoped_lock lock(mutex_);
    wanted_ = wish;
  }
  changed_.notify_one();
}

std::optional<Report> Lookout::take() {
  const std::scoped_lock lock(mutex_);
  ready_.lower();
  return std::exchange(report_, std::nullopt);
}

void Lookout::run() {
  Wish wish;
  std::optional<Alert> last_alert;
  const auto something_new = [this] { return ended_ || wanted_.has_value(); };
  std::unique_lock lock(mutex_);
  changed_.wait(lock, something_new);
  while (!ended_) {
    if (wanted_) {
      wish = *std::exchange(wanted_, std::nullopt);
    }
    lock.unlock();
    const Instant began = bus::boot_now();
    auto result = look(client_, wish, last_alert, [&] {
      const std::scoped_lock look_lock(mutex_);
      return !something_new();
    });
    const Instant ended = bus::boot_now();
    Instant next = began + interval_;
    if (result) {
      if (auto* snapshot = std::get_if<Snapshot>(&*result)) {
        snapshot->at = began;
        last_alert = snapshot->last_alert;
        next = std::max(next, ended + pause_per_look * (ended - began));
      }
    }
    lock.lock();
    if (result) {
      report_ = Report{*std::move(result), next};
      ready_.raise();
      changed_.wait_for(lock, next - ended, something_new);
    }
  }
}

}  // namespace heartbeat::hbctl::watch
