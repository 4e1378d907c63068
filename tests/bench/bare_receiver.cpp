// What receiving costs, and nothing else: the floor under any monitor that libzmq carries messages
// to. Reads two-frame messages and discards them; answers `counters`, so that hbload drives it as
// it drives hbmond:
//
//     bare_receiver EVENTS_ENDPOINT STATUS_ENDPOINT
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "heartbeat/status.hpp"
#include "wire/encode.hpp"

namespace {

std::atomic<std::uint64_t> messages_received{0};

void answer(zmq::context_t& context, const char* endpoint) {
  zmq::socket_t socket{context, zmq::socket_type::rep};
  socket.bind(endpoint);
  zmq::message_t request;
  while (true) {
    (void)socket.recv(request);
    heartbeat::CountersReply reply;
    reply.counters.emplace_back("messages_received_total", messages_received.load());
    std::string bytes;
    heartbeat::wire::encode_reply(reply, bytes);
    socket.send(zmq::buffer(bytes), zmq::send_flags::none);
  }
}

void receive(zmq::context_t& context, const char* endpoint) {
  zmq::socket_t socket{context, zmq::socket_type::sub};
  socket.set(zmq::sockopt::subscribe, "");
  socket.bind(endpoint);
  zmq::message_t topic;
  zmq::message_t payload;
  while (true) {
    (void)socket.recv(topic);
    if (!topic.more()) {
      continue;
    }
    (void)socket.recv(payload);
    messages_received.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace

// Ends by a signal.
int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: bare_receiver EVENTS_ENDPOINT STATUS_ENDPOINT\n", stderr);
    return 2;
  }
  zmq::context_t context{1};
  std::thread answering{[&] { answer(context, argv[2]); }};
  receive(context, argv[1]);
}
