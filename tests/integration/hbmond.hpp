// Runs the real hbmond for a test, on ipc endpoints in a folder of its own.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "client/event_publisher.hpp"
#include "heartbeat/alert_subscriber.hpp"
#include "heartbeat/endpoints.hpp"
#include "heartbeat/status_client.hpp"
#include "heartbeat/time.hpp"
#include "support/catch.hpp"

namespace heartbeat::test {

// Whatever takes longer is broken, also on a busy machine.
inline constexpr Duration time_limit{20'000};

template <class Holds>
void wait_until(const Holds& holds,
                const std::source_location& asked = std::source_location::current()) {
  const auto deadline = std::chrono::steady_clock::now() + time_limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) {
      FAIL("not within the time limit: what line " << asked.line() << " waits for");
    }
  }
}

class Hbmond {
 public:
  // Starts it and waits until it answers; throws with the log if it does not.
  explicit Hbmond(const std::vector<std::string>& options = {});
  // Kills it if it still runs.
  ~Hbmond();
  Hbmond(const Hbmond&) = delete;
  Hbmond& operator=(const Hbmond&) = delete;

  const Endpoints& endpoints() const { return endpoints_; }
  std::string log() const;
  // Sends SIGTERM; the exit code, or nullopt if it has not ended after `limit`.
  std::optional<int> stop(Duration limit);
  void kill();
  // Again, on the same endpoints. REQUIRES: it was stopped or killed.
  void start();

 private:
  bool answers() const;
  std::optional<int> wait(Duration limit);

  std::filesystem::path folder_;
  Endpoints endpoints_;
  std::vector<std::string> words_;  // of the command line
  pid_t pid_ = -1;
  int pid_fd_ = -1;  // readable when the process has ended
};

// The reply to a question that must be answered; fails the test otherwise.
template <class Reply, class Request>
Reply ask(const Hbmond& monitor, const Request& request) {
  StatusClient client{monitor.endpoints().status, time_limit};
  Answer<Reply> answer = client.ask(request);
  if (const auto* error = std::get_if<Error>(&answer)) {
    FAIL(error->code << ": " << error->message);
  }
  if (const auto* unreachable = std::get_if<Unreachable>(&answer)) {
    FAIL(unreachable->why << "\n" << monitor.log());
  }
  return std::get<Reply>(std::move(answer));
}

std::uint64_t counter(const Hbmond& monitor, const std::string& name);

using client::EventPublisher;

// Publishes and waits until the monitor has read it.
void tell(const Hbmond& monitor, EventPublisher& publisher, const Event& event);

// Each of so many agents times out, for an alert each.
void let_time_out(const Hbmond& monitor, const std::string& name, int agents);
// Of the alerts published so far.
std::uint64_t last_seq(const Hbmond& monitor);

using Notices = std::vector<AlertSubscriber::Notice>;

// What a subscriber hears that has handled nothing yet, in order, up to and with the first notice
// for which `last` holds; fails the test when that does not come in time.
Notices notices_until(const Endpoints& endpoints,
                      const std::function<bool(const AlertSubscriber::Notice&)>& last);

// Of the alerts among them.
std::vector<std::uint64_t> seqs_of(const Notices& notices);

}  // namespace heartbeat::test
