#include "pulse.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "bus/clock.hpp"
#include "counted.hpp"
#include "sse.hpp"

namespace heartbeat::hbgate {

namespace {

constexpr std::chrono::seconds every{1};

Json silent(WallTime now, const std::string& why, const std::optional<WallTime>& heard_at) {
  return {{"at", telling::to_json(now)},
          {"reachable", false},
          {"message", "the monitor does not answer: " + why},
          {"since", telling::to_json(heard_at)}};
}

std::uint64_t count_of(const CounterList& counters, std::string_view name) {
  const auto found = std::find_if(counters.begin(), counters.end(),
                                  [name](const auto& counter) { return counter.first == name; });
  return found == counters.end() ? 0 : found->second;
}

}  // namespace

boost::asio::awaitable<void> Pulse::run(std::function<bool()> wanted) {
  if (beating_ > 0) {
    co_return;
  }
  const Counted beating(beating_);
  while (wanted()) {
    timer_.expires_after(every);  // of which looking is a part
    const Json beat = co_await look();
    text_ = event_text("status", beat.dump(-1, ' ', false, Json::error_handler_t::replace));
    ++number_;
    news_.ring();
    if (!wanted()) {  // hurry() came while it looked, when there was no wait to end
      break;
    }
    boost::system::error_code hurried;
    co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, hurried));
  }
  // Nobody is told of the past, nor how long ago it was.
  text_.clear();
  heard_at_.reset();
  alerts_until_.reset();
  last_alert_.reset();
}

boost::asio::awaitable<Json> Pulse::look() {
  std::string why;
  try {
    const CountersRequest counters_question;
    StatusRequest status_question;
    status_question.limit = 1;
    const auto status = co_await monitor_.ask(status_question);
    if (const auto* unreachable = std::get_if<Unreachable>(&status)) {
      co_return silent(bus::wall_now(), unreachable->why, heard_at_);
    }
    AlertsRequest last_question;
    last_question.since_seq = std::numeric_limits<std::uint64_t>::max();
    last_question.limit = 1;
    const auto last = co_await monitor_.ask(last_question);
    const auto counters = co_await monitor_.ask(counters_question);
    const auto* reply = std::get_if<StatusReply>(&status);
    const auto* page = std::get_if<AlertsReply>(&last);
    const auto* counts = std::get_if<CountersReply>(&counters);
    if (reply != nullptr && page != nullptr && counts != nullptr) {
      const WallTime now = bus::wall_now();
      heard_at_ = now;
      alerts_until_ = std::exchange(last_alert_, Place{page->epoch, page->last_seq});
      const MonitorHealth& health = reply->health;
      co_return Json{
          {"at", telling::to_json(now)},
          {"reachable", true},
          {"epoch", page->epoch},
          {"alert_seq", page->last_seq},
          {"version", health.version},
          {"uptime_ms", telling::to_json(health.uptime_ms)},
          {"agents_monitoring", reply->monitor.agents_monitoring},
          {"running", reply->counts.running},
          {"idle", reply->counts.idle},
          {"stale", reply->counts.stale},
          {"overloaded", health.overloaded},
          {"ingest_lag_ms", telling::to_json(health.ingest_lag_ms)},
          {"storm", health.storm},
          {"state_file", health.state_file},
          {"history", history_},
          {"alerts_heard", own_.alerts_heard},
          {"events_received_total", count_of(counts->counters, "events_received_total")},
      };
    }
    const auto* unreachable = std::get_if<Unreachable>(&counters);
    why = unreachable != nullptr ? unreachable->why : "it answers with errors";
  } catch (const Refusal&) {
    why = "too many other questions wait";
  }
  co_return silent(bus::wall_now(), why, heard_at_);
}

}  // namespace heartbeat::hbgate
