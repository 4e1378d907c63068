// The subscriber's promise, gap-free alerts, against what takes alerts away: a restart of the
// monitor, a bus that drops, a monitor that no longer keeps them.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "hbmond.hpp"

namespace heartbeat::test {
namespace {

using Notice = AlertSubscriber::Notice;
using What = AlertSubscriber::Event;

// Each of them times out, for an alert each.
void let_time_out(const Hbmond& monitor, const std::string& name, int agents) {
  EventPublisher publisher{monitor.endpoints().events};
  for (int i = 0; i < agents; ++i) {
    const std::string agent_id = name + std::to_string(i);
    Event event;
    event.kind = EventKind::register_;
    event.agent_id = agent_id;
    event.running_for_ms = Duration{1'000};
    event.timeout_after_ms = Duration{1};
    tell(monitor, publisher, event);
  }
}

std::uint64_t last_seq(const Hbmond& monitor) {
  return ask<AlertsReply>(monitor, AlertsRequest{}).last_seq;
}

std::vector<std::uint64_t> seqs_of(const Notices& notices) {
  std::vector<std::uint64_t> seqs;
  for (const Notice& notice : notices) {
    if (notice.event == What::alert) {
      seqs.push_back(notice.alert.seq);
    }
  }
  return seqs;
}

// Hands on what the monitor publishes, but no alert whose number (counted from 1) is in `dropped`.
class LossyBus {
 public:
  LossyBus(const std::string& from, const std::string& to, std::vector<int> dropped)
      : dropped_(std::move(dropped)) {
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

  int alerts_seen() const { return alerts_; }

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
      if (topic.to_string_view().starts_with("alert.") && drops(++alerts_)) {
        continue;
      }
      out_.send(topic, zmq::send_flags::sndmore);
      out_.send(payload, zmq::send_flags::none);
    }
  }
  bool drops(int number) const {
    return std::find(dropped_.begin(), dropped_.end(), number) != dropped_.end();
  }

  const std::vector<int> dropped_;
  std::atomic<int> alerts_ = 0;
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
    }
  }
  CHECK(told == std::vector{What::gone, What::back});
  CHECK(seqs_of(notices) == std::vector<std::uint64_t>{1, 2, 1, 2, 3});
  CHECK(notices.front().alert.epoch != notices.back().alert.epoch);
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

// 4 and 5 show as a gap in seq, 9 and 10 only in the beat.
TEST_CASE("alerts that the bus dropped are asked for") {
  const Hbmond monitor;
  Endpoints endpoints = monitor.endpoints();
  endpoints.alerts += "-lossy";
  const LossyBus bus{monitor.endpoints().alerts, endpoints.alerts, {4, 5, 9, 10}};
  let_time_out(monitor, "early", 2);
  const Notices notices = notices_until(endpoints, [&](const Notice& notice) {
    if (notice.alert.seq == 2) {  // replayed, so the subscription works
      let_time_out(monitor, "late", 8);
    }
    return notice.alert.seq == 10;
  });
  CHECK(seqs_of(notices) == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(notices.size() == 10);
  CHECK(bus.alerts_seen() == 10);
}

}  // namespace
}  // namespace heartbeat::test
