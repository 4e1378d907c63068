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
#include "metrics.hpp"
#include "monitor.hpp"
#include "sse.hpp"

namespace heartbeat::hbgate {

class Pulse {
 public:
  // A beat does not wait longer than this for the monitor: it is one a second whatever that does.
  static constexpr Duration answer_max{800};

  // Rings `news` after each beat. `monitor`: asked by nobody else, anew for each beat, and with
  // no longer a timeout than answer_max. `history`: whether there is a state file to read.
  Pulse(boost::asio::io_context& loop, Monitor& monitor, Bell& news, const OwnCounters& own,
        bool history)
      : timer_(loop), monitor_(monitor), news_(news), own_(own), history_(history) {}

  // The last beat as a stream sends it, "" while there is none, and its number.
  const std::string& text() const { return text_; }
  std::uint64_t number() const { return number_; }
  // The monitor's last alert as of the beat before this one: whoever has less by now misses some.
  const std::optional<Place>& alerts_until() const { return alerts_until_; }

  // Beats at once and then each second, while `wanted` says so. Does nothing where it beats.
  boost::asio::awaitable<void> run(std::function<bool()> wanted);
  // Looks at once whether it is still wanted.
  void hurry() { timer_.cancel(); }

 private:
  boost::asio::awaitable<Json> look();

  boost::asio::steady_timer timer_;
  Monitor& monitor_;
  Bell& news_;
  const OwnCounters& own_;
  const bool history_;
  int beating_ = 0;
  std::string text_;
  std::uint64_t number_ = 0;
  std::optional<WallTime> heard_at_;
  std::optional<Place> alerts_until_;
  std::optional<Place> last_alert_;
};

}  // namespace heartbeat::hbgate
