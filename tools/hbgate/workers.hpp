// Work that waits (for the monitor's answer, for a disk) is done by threads of its own kind, a
// bounded number of pieces at a time, and what comes of it returns to the loop.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "counted.hpp"
#include "http.hpp"

namespace heartbeat::hbgate {

class Workers {
 public:
  Workers(std::size_t threads, std::size_t waiting_max)
      : waiting_max_(waiting_max), pool_(threads) {}
  // Waits until what was begun has ended.
  ~Workers() { pool_.join(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Calls `work()` in one of the threads. Throws what it throws, and Refusal, 503 busy, where too
  // much waits already. To be called from the loop alone.
  template <class Work>
  boost::asio::awaitable<std::invoke_result_t<Work&>> run(Work work) {
    using Result = std::invoke_result_t<Work&>;
    if (waiting_ == waiting_max_) {
      Response busy = refuse(503, "busy", "too many requests wait for an answer: try again");
      busy.headers.emplace_back("Retry-After", "1");
      throw Refusal(std::move(busy));
    }
    const Counted counted(waiting_);
    co_return co_await boost::asio::co_spawn(
        pool_, [&work]() -> boost::asio::awaitable<Result> { co_return work(); },
        boost::asio::use_awaitable);
  }

  // Pieces of work that were not done yet.
  std::size_t waiting() const { return waiting_; }

 private:
  const std::size_t waiting_max_;
  std::size_t waiting_ = 0;
  boost::asio::thread_pool pool_;
};

}  // namespace heartbeat::hbgate
