// The subscriber's promise, gap-free alerts, against what takes alerts away: a restart of the
// monitor, a bus that drops, a monitor that no longer keeps them.
#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "hbmond.hpp"

namespace heartbeat::test {
namespace {

using Notice = AlertSubscriber::Notice;
using What = AlertSubscriber::Event;

// Hands on what the monitor publishes, except where `drops(topic)`.
class LossyBus {
 public:
  using Drops = std::function<bool(std::string_view topic)>;

  LossyBus(const std::string& from, const std::string& to, Drops drops) : drops_(std::move(drops)) {
    in_.set(zmq::sockopt::linger, 0);
    out_.set(zmq::sockopt::linger, 0);
    stop_.bind("inproc://stop");
    stopper_.connect("inproc://stop");
    in_.set(zmq::sockopt::subscribe, "");
    in_.connect(from);
    out_.bind(to);
    thread_ = std::thread([this] { hand_on(); });
  }
  ~LossyBus() {
    stopper_.send(zmq::message_t{}, zmq::send_flags::none);
    thread_.join();
  }

  int dropped() const { return dropped_; }

 private:
  void hand_on() {
    zmq::pollitem_t items[] = {{in_.handle(), 0, ZMQ_POLLIN, 0},
                               {stop_.handle(), 0, ZMQ_POLLIN, 0}};
    while (true) {
      zmq::poll(items, 2, std::chrono::milliseconds{-1});
      if (items[1].revents != 0) {
        return;
      }
      zmq::message_t topic;
      zmq::message_t payload;
      (void)in_.recv(topic);
      (void)in_.recv(payload);
      if (drops_(topic.to_string_view())) {
        ++dropped_;
        continue;
      }
      out_.send(topic, zmq::send_flags::sndmore);
      out_.send(payload, zmq::send_flags::none);
    }
  }

  Drops drops_;
  std::atomic<int> dropped_ = 0;
  zmq::context_t context_{1};
  zmq::socket_t in_{context_, zmq::socket_type::sub};
  zmq::socket_t out_{context_, zmq::socket_type::pub};
  zmq::socket_t stop_{context_, zmq::socket_type::pair};
  zmq::socket_t stopper_{context_, zmq::socket_type::pair};
  std::thread thread_;
};

TEST_CASE("a subscriber is told that the monitor is gone and back, and follows its new epoch") {
  Hbmond monitor;
  let_time_out(monitor, "agent", 2);
  bool again = false;
  const Notices notices = notices_until(monitor.endpoints(), [&](const Notice& notice) {
    if (notice.alert.seq == 2 && !again) {
      REQUIRE(monitor.stop(time_limit) == 0);
    } else if (notice.event == What::gone) {
      monitor.start();
      let_time_out(monitor, "agent", 3);
      again = true;
    }
    return again && notice.alert.seq == 3;
  });
  std::vector<What> told;
  for (const Notice& notice : notices) {
    if (notice.event != What::alert) {
      told.push_back(notice.event);
      CHECK(notice.restarted == (notice.event == What::back));
    }
  }
  CHECK(told == std::vector{What::gone, What::back});
  CHECK(seqs_of(notices) == std::vector<std::uint64_t>{1, 2, 1, 2, 3});
  CHECK(notices.front().alert.epoch != notices.back().alert.epoch);
}

TEST_CASE("an alert may be waited for as long as a duration can be, or not at all") {
  const Hbmond monitor;
  let_time_out(monitor, "pm", 1);
  AlertSubscriber subscriber{monitor.endpoints(), Duration::max()};
  subscriber.begin_after(0);
  CHECK_FALSE(subscriber.next(-1, Duration::min()));
  const auto notice = subscriber.next(-1, Duration::max());
  REQUIRE(notice);
  CHECK(notice->alert.kind == "timeout");
}

TEST_CASE("what the monitor no longer keeps is counted, not passed over") {
  const Hbmond monitor{{"--alerts-kept=5"}};
  let_time_out(monitor, "agent", 20);
  const auto deadline = std::chrono::steady_clock::now() + time_limit;
  while (last_seq(monitor) < 20) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
  const Notices notices = notices_until(
      monitor.endpoints(), [](const Notice& notice) { return notice.alert.seq == 20; });
  REQUIRE(notices.front().event == What::lost);
  CHECK(notices.front().lost == 15);
  CHECK(seqs_of(notices) == std::vector<std::uint64_t>{16, 17, 18, 19, 20});
}

TEST_CASE("alerts can be iterated over, and waited for no longer than one likes") {
  const Hbmond monitor{{"--alerts-kept=2000"}};
  let_time_out(monitor, "agent", 3);
  AlertSubscriber alerts{monitor.endpoints()};
  alerts.begin_after(1);
  std::vector<std::uint64_t> seqs;
  for (const Notice& notice : alerts) {
    seqs.push_back(notice.alert.seq);
    if (seqs.size() == 2) {
      break;
    }
  }
  CHECK(seqs == std::vector<std::uint64_t>{2, 3});
  CHECK_FALSE(alerts.next(-1, Duration{50}));
  let_time_out(monitor, "late", 1);
  const auto next = alerts.next();
  REQUIRE(next);
  CHECK(next->alert.seq == 4);
}

// Two alerts are replayed, which proves the subscription; then `late` more come over the bus.
std::vector<std::uint64_t> heard_over(const LossyBus::Drops& drops, int late, int dropped) {
  const Hbmond monitor;
  Endpoints endpoints = monitor.endpoints();
  endpoints.alerts += "-lossy";
  const LossyBus bus{monitor.endpoints().alerts, endpoints.alerts, drops};
  let_time_out(monitor, "early", 2);
  const auto last = static_cast<std::uint64_t>(2 + late);
  const Notices notices = notices_until(endpoints, [&](const Notice& notice) {
    if (notice.alert.seq == 2) {
      let_time_out(monitor, "late", late);
    }
    return notice.alert.seq == last;
  });
  CHECK(bus.dropped() >= dropped);
  CHECK(notices.size() == last);
  return seqs_of(notices);
}

TEST_CASE("a gap in seq is asked for at once, without a beat") {
  const auto seqs = heard_over(
      [beats = 0](std::string_view topic) mutable {
        return topic == "monitor.beat" ? ++beats > 1 : topic.ends_with(".late1");
      },
      3, 1);
  CHECK(seqs == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
}

TEST_CASE("a beat shows that the last alerts are missing") {
  const auto seqs = heard_over(
      [](std::string_view topic) { return topic.find(".late") != std::string_view::npos; }, 2, 2);
  CHECK(seqs == std::vector<std::uint64_t>{1, 2, 3, 4});
}

}  // namespace
}  // namespace heartbeat::test
