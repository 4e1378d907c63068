// The status client against monitors that do not answer, or not at once.
#include <sys/eventfd.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "hbmond.hpp"

namespace heartbeat::test {
namespace {

TEST_CASE("a client whose question went unanswered is as good as new for the next one") {
  Hbmond monitor;
  StatusClient client{monitor.endpoints().status, Duration{300}};
  REQUIRE(std::holds_alternative<PingReply>(client.ask(PingRequest{})));
  monitor.kill();
  const auto unanswered = client.ask(PingRequest{});
  REQUIRE(std::holds_alternative<Unreachable>(unanswered));
  CHECK(std::get<Unreachable>(unanswered).why.find(monitor.endpoints().status) !=
        std::string::npos);
  monitor.start();
  StatusClient patient{monitor.endpoints().status, time_limit};
  CHECK(std::holds_alternative<PingReply>(patient.ask(PingRequest{})));
  CHECK(std::holds_alternative<PingReply>(client.ask(PingRequest{})));
}

TEST_CASE("an answer may be waited for as long as a duration can be, or not at all") {
  const Hbmond monitor;
  StatusClient patient{monitor.endpoints().status, Duration::max(), 1'000};
  CHECK(std::holds_alternative<PingReply>(patient.ask(PingRequest{})));
  StatusClient hurried{monitor.endpoints().status + "-nobody", Duration::min(), 3};
  CHECK(std::holds_alternative<Unreachable>(hurried.ask(PingRequest{})));
}

// A monitor that dies with a question cannot be timed; one that swallows it is as bad.
TEST_CASE("a question whose answer was lost is asked again, as often as was said") {
  const Hbmond monitor;
  const std::string endpoint = monitor.endpoints().status + "-deaf";
  zmq::context_t context{1};
  zmq::socket_t deaf{context, zmq::socket_type::router};
  deaf.set(zmq::sockopt::linger, 0);
  deaf.bind(endpoint);
  zmq::socket_t upstream{context, zmq::socket_type::dealer};
  upstream.set(zmq::sockopt::linger, 0);
  upstream.connect(monitor.endpoints().status);
  const auto receive = [](zmq::socket_t& socket, std::vector<zmq::message_t>& frames) {
    frames.clear();
    do {
      REQUIRE(socket.recv(frames.emplace_back()));
    } while (frames.back().more());
  };
  std::thread relay([&] {
    std::vector<zmq::message_t> question;
    receive(deaf, question);  // and forgets it
    receive(deaf, question);
    upstream.send(zmq::message_t{}, zmq::send_flags::sndmore);
    upstream.send(question.back(), zmq::send_flags::none);
    std::vector<zmq::message_t> answer;
    receive(upstream, answer);
    deaf.send(question.front(), zmq::send_flags::sndmore);
    deaf.send(zmq::message_t{}, zmq::send_flags::sndmore);
    deaf.send(answer.back(), zmq::send_flags::none);
  });
  StatusClient client{endpoint, Duration{500}, 3};
  CHECK(std::holds_alternative<PingReply>(client.ask(PingRequest{})));
  relay.join();
  CHECK_THROWS_AS((StatusClient{endpoint, Duration{500}, 0}), std::invalid_argument);
}

// Whoever answers is no REP: libzmq says that there is something to read, and throws it away.
TEST_CASE("an answer that has no delimiter where it belongs is none") {
  zmq::context_t context{1};
  zmq::socket_t stranger{context, zmq::socket_type::router};
  stranger.set(zmq::sockopt::linger, 0);
  stranger.bind("tcp://127.0.0.1:*");
  std::thread answering([&] {
    std::vector<zmq::message_t> question;
    do {
      REQUIRE(stranger.recv(question.emplace_back()));
    } while (question.back().more());
    stranger.send(question.front(), zmq::send_flags::sndmore);
    stranger.send(zmq::str_buffer("abcd"), zmq::send_flags::sndmore);
    stranger.send(zmq::message_t{}, zmq::send_flags::sndmore);
    stranger.send(zmq::str_buffer("answer"), zmq::send_flags::none);
  });
  StatusClient client{stranger.get(zmq::sockopt::last_endpoint), Duration{1'000}};
  CHECK(std::holds_alternative<Unreachable>(client.ask(PingRequest{})));
  answering.join();
}

TEST_CASE("a client that is asked to stop waits for no answer") {
  const int stop = eventfd(1, EFD_CLOEXEC);
  REQUIRE(stop >= 0);
  StatusClient client{"ipc:///nonexistent/status", duration_max, 1, stop};
  const auto answer = client.ask(PingRequest{});
  REQUIRE(std::holds_alternative<Unreachable>(answer));
  CHECK(std::get<Unreachable>(answer).why.find("stopped") == 0);
  close(stop);
}

}  // namespace
}  // namespace heartbeat::test
