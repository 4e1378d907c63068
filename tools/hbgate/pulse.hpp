// What streams say of the monitor each second, asked for once for all of them and only while there
// is a stream.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "bell.hpp"
#include "heartbeat/time.hpp"
#include "http.hpp"
#include "monitor.hpp"

namespace heartbeat::hbgate {

class Pulse {
 public:
  // Rings `news` after each beat.
  Pulse(boost::asio::io_context& loop, Monitor& monitor, Bell& news)
      : timer_(loop), monitor_(monitor), news_(news) {}

  // The last beat as a stream sends it, "" while there is none, and its number.
  const std::string& text() const { return text_; }
  std::uint64_t number() const { return number_; }

  // Beats at once and then each second, while `wanted` says so. Does nothing where it beats.
  boost::asio::awaitable<void> run(std::function<bool()> wanted);
  // Looks at once whether it is still wanted.
  void hurry() { timer_.cancel(); }

 private:
  boost::asio::awaitable<Json> look();

  boost::asio::steady_timer timer_;
  Monitor& monitor_;
  Bell& news_;
  bool beats_ = false;
  std::string text_;
  std::uint64_t number_ = 0;
  std::optional<WallTime> heard_at_;
};

}  // namespace heartbeat::hbgate
