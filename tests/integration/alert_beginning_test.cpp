// Where a subscriber begins: after what its consumer kept of an earlier time, or now, whether or
// not there is a monitor yet; and that it waits for no answer longer than its caller does.
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "cable.hpp"
#include "hbmond.hpp"

namespace heartbeat::test {
namespace {

using What = AlertSubscriber::Event;
using Seqs = std::vector<std::uint64_t>;
using Clock = std::chrono::steady_clock;

// What comes until and with the alert `seq`.
Notices up_to(AlertSubscriber& alerts, std::uint64_t seq) {
  Notices notices;
  const auto deadline = Clock::now() + time_limit;
  do {
    const auto left = std::chrono::ceil<Duration>(deadline - Clock::now());
    auto notice = alerts.next(-1, std::max(left, Duration{0}));
    REQUIRE(notice);
    notices.push_back(*std::move(notice));
  } while (notices.back().alert.seq != seq);
  return notices;
}

void publish_timeouts(const Hbmond& monitor, std::uint64_t agents) {
  const std::uint64_t before = last_seq(monitor);
  EventPublisher publisher{monitor.endpoints().events};
  REQUIRE(publisher.wait_for_monitor(time_limit));
  for (std::uint64_t i = 0; i < agents; ++i) {
    const std::string agent_id = "many" + std::to_string(i);
    Event event;
    event.kind = EventKind::register_;
    event.agent_id = agent_id;
    event.running_for_ms = Duration{1'000};
    event.timeout_after_ms = Duration{1};
    REQUIRE(publisher.publish(event, time_limit));
  }
  const auto deadline = Clock::now() + time_limit;
  while (last_seq(monitor) < before + agents) {
    REQUIRE(Clock::now() < deadline);
  }
}

TEST_CASE("a consumer that kept epoch and seq goes on behind them, and learns of another epoch") {
  Hbmond monitor;
  let_time_out(monitor, "agent", 3);
  const std::string epoch = ask<PingReply>(monitor, PingRequest{}).epoch;
  {
    AlertSubscriber alerts{monitor.endpoints()};
    alerts.begin_after(2, epoch);
    const Notices notices = up_to(alerts, 3);
    CHECK(notices.size() == 1);
  }
  monitor.kill();
  monitor.start();
  let_time_out(monitor, "agent", 3);
  AlertSubscriber alerts{monitor.endpoints()};
  alerts.begin_after(2, epoch);
  const Notices notices = up_to(alerts, 3);
  REQUIRE(notices.front().event == What::back);
  CHECK(notices.front().restarted);
  CHECK(seqs_of(notices) == Seqs{1, 2, 3});
  CHECK(notices.size() == 4);
}

TEST_CASE("an epoch that cannot be one is refused") {
  AlertSubscriber alerts{Endpoints{}};
  CHECK_THROWS_AS(alerts.begin_after(1, ""), std::invalid_argument);
  CHECK_THROWS_AS(alerts.begin_after(1, std::string(65, 'e')), std::invalid_argument);
  CHECK_THROWS_AS(alerts.begin_after(1, "a\nb"), std::invalid_argument);
}

TEST_CASE("a subscriber that is there before its monitor misses none of its alerts") {
  Hbmond monitor;
  REQUIRE(monitor.stop(time_limit) == 0);
  AlertSubscriber alerts{monitor.endpoints()};
  CHECK_FALSE(alerts.next(-1, Duration{0}));
  monitor.start();
  let_time_out(monitor, "agent", 2);
  CHECK(up_to(alerts, 2).size() == 2);
}

TEST_CASE("a subscriber begins with its first call, also where it reaches the monitor later") {
  const Hbmond monitor;
  let_time_out(monitor, "before", 2);
  // As late as a beat that tells the monitor's time may come.
  AlertSubscriber witness{monitor.endpoints()};
  witness.begin_after(2);
  CHECK_FALSE(witness.next(-1, Duration{1'000}));

  Endpoints endpoints = monitor.endpoints();
  endpoints.alerts += "-cable";
  endpoints.status += "-cable";
  AlertSubscriber alerts{endpoints};
  CHECK_FALSE(alerts.next(-1, Duration{0}));
  constexpr std::uint64_t meanwhile = 2'500;  // more than two pages
  publish_timeouts(monitor, meanwhile);
  const Cable alerts_cable{endpoints.alerts, monitor.endpoints().alerts};
  const Cable status_cable{endpoints.status, monitor.endpoints().status};
  const Seqs seqs = seqs_of(up_to(alerts, 2 + meanwhile));
  CHECK(seqs.front() == 3);
  CHECK(seqs.size() == meanwhile);
}

TEST_CASE("where a subscriber begins too late for all that was raised, it says so") {
  const Hbmond monitor{{"--alerts-kept=5"}};
  Endpoints endpoints = monitor.endpoints();
  endpoints.alerts += "-cable";
  AlertSubscriber alerts{endpoints};
  CHECK_FALSE(alerts.next(-1, Duration{0}));
  let_time_out(monitor, "agent", 20);
  const Cable cable{endpoints.alerts, monitor.endpoints().alerts};
  const Notices notices = up_to(alerts, 20);
  REQUIRE(notices.front().event == What::lost);
  CHECK(notices.front().lost == 15);
  CHECK(seqs_of(notices) == Seqs{16, 17, 18, 19, 20});
}

TEST_CASE("a restart into a new epoch is told although the monitor was never silent for long") {
  Hbmond monitor;
  let_time_out(monitor, "agent", 2);
  AlertSubscriber alerts{monitor.endpoints()};
  alerts.begin_after(0);
  up_to(alerts, 2);
  monitor.kill();
  monitor.start();
  let_time_out(monitor, "agent", 1);
  const Notices notices = up_to(alerts, 1);
  REQUIRE(notices.size() == 2);
  CHECK(notices.front().event == What::back);
  CHECK(notices.front().restarted);
}

// Takes questions and answers none.
class DeafMonitor {
 public:
  explicit DeafMonitor(const std::string& status) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.bind(status);
  }
  void wait_for_question() {
    zmq::message_t frame;
    do {
      REQUIRE(socket_.recv(frame));
    } while (frame.more());
  }

 private:
  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::router};
};

TEST_CASE("neither the limit nor the order to stop waits for an answer") {
  const Hbmond monitor;
  Endpoints endpoints = monitor.endpoints();
  endpoints.status += "-deaf";
  DeafMonitor deaf{endpoints.status};
  AlertSubscriber alerts{endpoints, time_limit};
  alerts.begin_after(0);
  const int stop = eventfd(0, EFD_CLOEXEC);
  REQUIRE(stop >= 0);
  Clock::time_point ordered;
  std::thread order([&] {
    deaf.wait_for_question();
    ordered = Clock::now();
    eventfd_write(stop, 1);
  });
  CHECK_FALSE(alerts.next(stop));
  const auto stopped = Clock::now();
  order.join();
  CHECK(stopped - ordered < time_limit / 10);

  const auto began = Clock::now();
  CHECK_FALSE(alerts.next(-1, Duration{20}));
  CHECK(Clock::now() - began < time_limit / 10);
  close(stop);
}

TEST_CASE("an answer that does not come is told once, and asked for again") {
  const Hbmond monitor;
  let_time_out(monitor, "agent", 2);
  Endpoints endpoints = monitor.endpoints();
  endpoints.status += "-deaf";
  AlertSubscriber alerts{endpoints, Duration{50}};
  alerts.begin_after(0);
  {
    DeafMonitor deaf{endpoints.status};
    const auto trouble = alerts.next(-1, time_limit);
    REQUIRE(trouble);
    CHECK(trouble->event == What::trouble);
    CHECK(trouble->why.find(endpoints.status) != std::string::npos);
    CHECK_FALSE(alerts.next(-1, Duration{1'500}));
    deaf.wait_for_question();
    deaf.wait_for_question();
  }
  std::filesystem::remove(endpoints.status.substr(std::string("ipc://").size()));
  const Cable cable{endpoints.status, monitor.endpoints().status};
  CHECK(seqs_of(up_to(alerts, 2)) == Seqs{1, 2});
}

TEST_CASE("the order to stop goes before alerts that wait") {
  const Hbmond monitor;
  let_time_out(monitor, "agent", 3);
  AlertSubscriber alerts{monitor.endpoints()};
  alerts.begin_after(0);
  const int stop = eventfd(0, EFD_CLOEXEC);
  REQUIRE(stop >= 0);
  int handled = 0;
  alerts.run(
      [&](const auto&) {
        ++handled;
        eventfd_write(stop, 1);
        return true;
      },
      stop);
  CHECK(handled == 1);
  CHECK(seqs_of(up_to(alerts, 3)) == Seqs{2, 3});
  close(stop);
}

}  // namespace
}  // namespace heartbeat::test
