// The alerts that the monitor keeps, as streams ask for them that come back after a while: a few at
// a time, so that many of them keep nobody else waiting.
#pragma once

#include <cstddef>

#include "bell.hpp"
#include "counted.hpp"
#include "monitor.hpp"

namespace heartbeat::hbgate {

class KeptAlerts {
 public:
  // `monitor`: asked by nobody else.
  explicit KeptAlerts(Monitor& monitor) : monitor_(monitor) {}

  // Calls `take(answer)` once it is this one's turn, which ends when `take` returns.
  template <class Take>
  boost::asio::awaitable<void> ask(const AlertsRequest& question, Take take) {
    while (asking_ == asking_max) {
      co_await one_done_.wait();
    }
    {
      const Counted asking(asking_);
      const auto answer = co_await monitor_.ask(question);
      take(answer);
    }
    one_done_.ring();
  }

 private:
  static constexpr std::size_t asking_max = 4;

  Monitor& monitor_;
  Bell one_done_;
  std::size_t asking_ = 0;
};

}  // namespace heartbeat::hbgate
