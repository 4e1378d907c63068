#include "alert_follower.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include "heartbeat/alert_subscriber.hpp"
#include "heartbeat/status_client.hpp"

namespace heartbeat::hbgate {

namespace {

constexpr std::size_t portion_max = 256;

// What the monitor's last alert is; nullopt: it does not answer.
std::optional<Place> last_place(const std::string& endpoint, Duration timeout, int stop_fd) {
  StatusClient client(endpoint, timeout, 1, stop_fd);
  AlertsRequest request;
  request.since_seq = std::numeric_limits<std::uint64_t>::max();
  request.limit = 1;
  const auto answer = client.ask(request);
  const auto* page = std::get_if<AlertsReply>(&answer);
  return page == nullptr ? std::nullopt : std::optional{Place{page->epoch, page->last_seq}};
}

void add(AlertFollower::Portion& portion, const AlertSubscriber::Notice& notice) {
  using Event = AlertSubscriber::Event;
  switch (notice.event) {
    case Event::alert:
      portion.entries.push_back({notice.alert, alert_text(notice.alert)});
      break;
    case Event::lost:
      portion.entries.push_back({std::nullopt, lost_text(notice.lost)});
      portion.lost += notice.lost;
      break;
    case Event::back:  // of another epoch, perhaps: then its first alert shows it
      portion.heard = true;
      break;
    case Event::gone:
      portion.heard = false;
      break;
    case Event::trouble:
      break;  // of the status socket, which the streams tell of each second
  }
}

}  // namespace

AlertFollower::AlertFollower(Endpoints endpoints, Duration timeout, int stop_fd,
                             std::function<void(Portion)> deliver)
    : endpoints_(std::move(endpoints)),
      timeout_(timeout),
      stop_fd_(stop_fd),
      deliver_(std::move(deliver)),
      thread_([this] { run(); }) {}

AlertFollower::~AlertFollower() { thread_.join(); }

void AlertFollower::run() {
  try {
    follow();
  } catch (const std::exception& error) {
    Portion portion;
    portion.failure = std::make_exception_ptr(
        std::runtime_error(std::string("alerts cannot be followed: ") + error.what()));
    deliver_(std::move(portion));
  }
}

void AlertFollower::follow() {
  AlertSubscriber alerts(endpoints_, timeout_);
  Portion portion;
  portion.news_after = last_place(endpoints_.status, timeout_, stop_fd_);
  if (const auto& last = portion.news_after) {
    alerts.begin_after(last->seq - std::min<std::uint64_t>(last->seq, AlertRing::entries_max),
                       last->epoch);
    hand_on(std::move(portion));
  }
  while (auto notice = alerts.next(stop_fd_)) {
    portion = {};
    add(portion, *notice);
    while (portion.entries.size() < portion_max && (notice = alerts.next(stop_fd_, Duration{0}))) {
      add(portion, *notice);
    }
    if ((!portion.entries.empty() || portion.heard) && !hand_on(std::move(portion))) {
      return;
    }
  }
}

// False: it is over.
bool AlertFollower::hand_on(Portion portion) {
  deliver_(std::move(portion));
  std::array<pollfd, 2> items{{{taken_.fd(), POLLIN, 0}, {stop_fd_, POLLIN, 0}}};
  while (::poll(items.data(), items.size(), -1) < 0 && errno == EINTR) {
  }
  taken_.reset();
  return items[1].revents == 0;
}

void AlertFollower::taken() { taken_.set(); }

}  // namespace heartbeat::hbgate
