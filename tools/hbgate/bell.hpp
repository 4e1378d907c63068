// Wakes whatever waits for news, all at once.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <set>

namespace heartbeat::hbgate {

class Bell {
 public:
  // Until it rings. What is looked at before, without waiting in between, cannot be missed: all
  // that rings it runs in the same loop.
  boost::asio::awaitable<void> wait() {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor,
                                    boost::asio::steady_timer::time_point::max());
    const Sleeper sleeper(sleepers_, timer);
    boost::system::error_code cancelled;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
  }

  void ring() {
    for (boost::asio::steady_timer* timer : sleepers_) {
      timer->cancel();
    }
  }

 private:
  using Sleepers = std::set<boost::asio::steady_timer*>;
  class Sleeper {
   public:
    Sleeper(Sleepers& among, boost::asio::steady_timer& timer) : among_(among), timer_(timer) {
      among_.insert(&timer_);
    }
    ~Sleeper() { among_.erase(&timer_); }
    Sleeper(const Sleeper&) = delete;
    Sleeper& operator=(const Sleeper&) = delete;

   private:
    Sleepers& among_;
    boost::asio::steady_timer& timer_;
  };
  Sleepers sleepers_;
};

}  // namespace heartbeat::hbgate
