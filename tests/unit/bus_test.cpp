#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bus/clock.hpp"
#include "bus/ipc_path.hpp"
#include "bus/sockets.hpp"
#include "support/catch.hpp"

namespace heartbeat::bus {
namespace {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "heartbeat-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("mkdtemp");
    }
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Leaves a socket file behind that nobody listens on, as a killed monitor does.
void leave_dead_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  close(fd);
}

std::string refusal(zmq::context_t& context, const std::string& endpoint) {
  try {
    EventSocket socket(context, endpoint);
  } catch (const CannotBind& error) {
    return error.what();
  }
  return {};
}

constexpr Duration patience{10'000};

// Waits for the sockets until `done`, at most for the time that one has patience.
template <class Done>
bool wait_until(EventSocket& events, AlertSocket& alerts, StatusSocket& status, const Done& done) {
  const Instant limit = boot_now() + patience;
  while (!done()) {
    if (boot_now() > limit) {
      return false;
    }
    wait(&events, alerts, status, {}, Duration{10});
  }
  return true;
}

struct Sockets {
  zmq::context_t context;
  EventSocket events{context, "tcp://127.0.0.1:*"};
  AlertSocket alerts{context, "tcp://127.0.0.1:*", 10};
  StatusSocket status{context, "tcp://127.0.0.1:*", "failed"};
};

zmq::socket_t connected_agent(Sockets& sockets) {
  zmq::socket_t agent(sockets.context, zmq::socket_type::xpub);
  agent.set(zmq::sockopt::linger, 0);
  agent.connect(sockets.events.endpoint());
  zmq::message_t subscription;
  REQUIRE(wait_until(sockets.events, sockets.alerts, sockets.status, [&] {
    return agent.recv(subscription, zmq::recv_flags::dontwait).has_value();
  }));
  return agent;
}

}  // namespace

TEST_CASE("a TCP endpoint in use is refused by name") {
  zmq::context_t context;
  const EventSocket first(context, "tcp://127.0.0.1:*");
  CHECK(refusal(context, first.endpoint()) ==
        "--events: " + first.endpoint() +
            " is already in use; expected an endpoint that nobody is bound to");
}

TEST_CASE("an ipc endpoint of a living monitor is refused") {
  const Folder folder;
  const std::string endpoint = "ipc://" + folder.file("events");
  zmq::context_t context;
  const EventSocket first(context, endpoint);
  CHECK(refusal(context, endpoint).find("is already in use") != std::string::npos);
}

TEST_CASE("an ipc endpoint of a dead monitor is replaced") {
  const Folder folder;
  leave_dead_socket(folder.file("events"));
  CHECK(look_at_ipc_path(folder.file("events")) == IpcPath::free);
  zmq::context_t context;
  CHECK(refusal(context, "ipc://" + folder.file("events")).empty());
}

TEST_CASE("an ipc endpoint that is another kind of file is refused, and the file is kept") {
  const Folder folder;
  std::ofstream{folder.file("notes")} << "precious";
  zmq::context_t context;
  CHECK(refusal(context, "ipc://" + folder.file("notes")).find("not a socket") !=
        std::string::npos);
  CHECK(std::filesystem::file_size(folder.file("notes")) == 8);
}

TEST_CASE("endpoints that make no sense are refused with what was expected") {
  zmq::context_t context;
  for (const char* endpoint : {"", "5570", "inproc://a", "tcp://127.0.0.1:99999", "tcp://nowhere",
                               "ipc://", "ipc:///no/such/folder/x"}) {
    INFO(endpoint);
    CHECK(refusal(context, endpoint).find("expected") != std::string::npos);
  }
}

TEST_CASE("payloads stay as they came until they are released") {
  Sockets sockets;
  zmq::socket_t agent = connected_agent(sockets);
  // So short that libzmq keeps it in the message itself.
  const auto numbered = [](std::size_t number) { return "payload " + std::to_string(number); };
  for (std::size_t number = 0; number <= EventSocket::held_max; ++number) {
    agent.send(zmq::str_buffer("event"), zmq::send_flags::sndmore);
    agent.send(zmq::buffer(numbered(number)), zmq::send_flags::none);
  }
  std::vector<std::string_view> payloads;
  REQUIRE(wait_until(sockets.events, sockets.alerts, sockets.status, [&] {
    std::string_view payload;
    while (sockets.events.may_receive() &&
           sockets.events.receive(payload) == EventSocket::Received::message) {
      payloads.push_back(payload);
    }
    return !sockets.events.may_receive();
  }));
  REQUIRE(payloads.size() == EventSocket::held_max);
  for (std::size_t number = 0; number < payloads.size(); ++number) {
    CHECK(payloads[number] == numbered(number));
  }
  sockets.events.release();
  std::string_view payload;
  REQUIRE(sockets.events.may_receive());
  REQUIRE(sockets.events.receive(payload) == EventSocket::Received::message);
  CHECK(payload == numbered(EventSocket::held_max));
}

TEST_CASE("a message of two frames is received, any other is malformed") {
  Sockets sockets;
  zmq::socket_t agent = connected_agent(sockets);

  agent.send(zmq::str_buffer("one"), zmq::send_flags::none);
  agent.send(zmq::str_buffer("one"), zmq::send_flags::sndmore);
  agent.send(zmq::str_buffer("two"), zmq::send_flags::sndmore);
  agent.send(zmq::str_buffer("three"), zmq::send_flags::none);
  agent.send(zmq::str_buffer("event.pm"), zmq::send_flags::sndmore);
  agent.send(zmq::str_buffer("payload"), zmq::send_flags::none);

  std::string_view payload;
  int malformed = 0;
  CHECK(wait_until(sockets.events, sockets.alerts, sockets.status, [&] {
    const auto received = sockets.events.receive(payload);
    malformed += received == EventSocket::Received::malformed ? 1 : 0;
    return received == EventSocket::Received::message;
  }));
  CHECK(malformed == 2);
  CHECK(payload == "payload");
  CHECK(sockets.events.receive(payload) == EventSocket::Received::nothing);
}

TEST_CASE("the status socket answers the next request whatever the last one was") {
  Sockets sockets;
  const auto ask = [&](bool several, const StatusSocket::Answer& answer) {
    zmq::socket_t client(sockets.context, zmq::socket_type::req);
    client.set(zmq::sockopt::linger, 0);
    client.set(zmq::sockopt::rcvtimeo, static_cast<int>(patience.count()));
    client.connect(sockets.status.endpoint());
    if (several) {
      client.send(zmq::str_buffer("more"), zmq::send_flags::sndmore);
    }
    client.send(zmq::str_buffer("question"), zmq::send_flags::none);
    REQUIRE(wait_until(sockets.events, sockets.alerts, sockets.status, [&] {
      return sockets.status.serve(answer) != StatusSocket::Served::nothing;
    }));
    zmq::message_t reply;
    REQUIRE(client.recv(reply).has_value());
    return reply.to_string();
  };
  const StatusSocket::Answer echo = [](std::optional<std::string_view> request,
                                       std::string& reply) { reply = request.value_or("several"); };
  const StatusSocket::Answer broken = [](std::optional<std::string_view>, std::string&) {
    throw std::runtime_error("broken");
  };
  CHECK(ask(false, echo) == "question");
  CHECK(ask(true, echo) == "several");
  CHECK(ask(false, broken) == "failed");
  CHECK(ask(false, echo) == "question");
}

TEST_CASE("alerts reach a subscriber that came before them") {
  Sockets sockets;
  zmq::socket_t consumer(sockets.context, zmq::socket_type::sub);
  consumer.set(zmq::sockopt::linger, 0);
  consumer.set(zmq::sockopt::subscribe, "alert.");
  consumer.connect(sockets.alerts.endpoint());
  zmq::message_t topic;
  CHECK(wait_until(sockets.events, sockets.alerts, sockets.status, [&] {
    sockets.alerts.publish("alert.info.resolved.pm", "payload");
    return consumer.recv(topic, zmq::recv_flags::dontwait).has_value();
  }));
  CHECK(topic.to_string() == "alert.info.resolved.pm");
}

}  // namespace heartbeat::bus
