// What the agents' client says of its state changes: each is sent, waits, or was dropped.
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "hbmond.hpp"
#include "heartbeat/agent_client.hpp"

namespace heartbeat::test {
namespace {

// Subscribes, as a monitor does, and reads nothing.
class Subscriber {
 public:
  explicit Subscriber(const std::string& endpoint) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvhwm, 1);
    socket_.set(zmq::sockopt::subscribe, "");
    socket_.bind(endpoint);
  }

  // libzmq tells those who come of the subscription only where the socket's thread lets it.
  bool serves(const AgentClient& client) {
    (void)socket_.get(zmq::sockopt::events);
    return client.counts().connected;
  }

 private:
  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::sub};
};

class Endpoint {
 public:
  Endpoint()
      : path_(std::filesystem::temp_directory_path() /
              ("hb-counts-" + std::to_string(getpid()) + "-events")) {}
  ~Endpoint() { std::filesystem::remove(path_); }
  std::string name() const { return "ipc://" + path_.string(); }

 private:
  std::filesystem::path path_;
};

std::uint64_t changes_counted(const AgentClient& client) {
  const auto counts = client.counts();
  return counts.changes_sent_total + counts.changes_waiting + counts.changes_dropped_total;
}

TEST_CASE("each state change is at each moment sent, waiting or dropped") {
  const Endpoint endpoint;
  std::optional<Subscriber> stuck{endpoint.name()};
  AgentClientOptions options;
  options.events = endpoint.name();
  options.changes_max = 1'000;
  options.linger = Duration{0};
  AgentClient client{options};
  wait_until([&] { return stuck->serves(client); });
  AgentRun run{client, {.agent_id = "pm"}};
  std::uint64_t made = 1;
  std::uint64_t moments_missed = 0;
  const auto all_are_counted = [&] {
    if (changes_counted(client) != made) {
      ++moments_missed;
    }
  };
  const auto refused = [&] { return client.counts().sends_refused_total > 0; };
  while (!refused()) {  // one message for each change, until the queue of messages is full
    run.phase("a phase that fills a queue");
    ++made;
    wait_until([&] {
      all_are_counted();
      return client.counts().changes_waiting == 0 || refused();
    });
  }
  while (client.counts().changes_dropped_total == 0) {
    run.phase("one too many");
    ++made;
    all_are_counted();
  }
  CHECK(moments_missed == 0);
  CHECK(client.counts().changes_sent_total > 0);
  CHECK(client.counts().changes_sent_total == client.counts().events_sent_total);

  stuck.reset();
  wait_until([&] { return !client.counts().connected; });
  CHECK(changes_counted(client) == made);
  const std::uint64_t sent = client.counts().changes_sent_total;
  client.stop();
  CHECK(client.counts().changes_waiting == 0);
  CHECK(client.counts().changes_sent_total == sent);
  CHECK(changes_counted(client) == made);
  run.phase("too late");
  CHECK(changes_counted(client) == made + 1);
}

TEST_CASE("what is kept to be sent again has a limit where connections end again and again") {
  const Endpoint endpoint;
  AgentClientOptions options;
  options.events = endpoint.name();
  options.changes_max = 100;
  options.linger = Duration{0};
  AgentClient client{options};
  AgentRun run{client, {.agent_id = "pm"}};
  std::uint64_t made = 1;
  for (std::uint64_t connection = 1; connection <= 4; ++connection) {
    Subscriber subscriber{endpoint.name()};
    const auto before = client.counts();
    wait_until([&] {
      return subscriber.serves(client) && client.counts().subscriptions_total == connection &&
             client.counts().changes_waiting == 0;
    });
    const auto after = client.counts();
    // The run, and what a turn says beside the changes that are kept.
    CHECK(after.events_sent_total - before.events_sent_total <= options.changes_max + 128 + 1);
    for (int i = 0; i < 600; ++i, ++made) {
      run.phase("one of many");
      wait_until([&] { return client.counts().changes_waiting < 50; });
    }
    wait_until([&] { return client.counts().changes_waiting == 0; });
  }
  CHECK(client.counts().changes_displaced_total > 0);
  CHECK(client.counts().changes_dropped_total == 0);
  CHECK(client.counts().changes_sent_total == made);
}

}  // namespace
}  // namespace heartbeat::test
