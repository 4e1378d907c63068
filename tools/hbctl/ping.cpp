#include <chrono>

#include "output.hpp"
#include "telling/duration.hpp"
#include "telling/json.hpp"

namespace heartbeat::hbctl {

int run_ping(const Options& options) {
  StatusClient client(options.endpoints.status, options.timeout);
  const auto asked = std::chrono::steady_clock::now();
  const auto answer = client.ask(PingRequest{});
  const auto took = std::chrono::steady_clock::now() - asked;
  const auto* reply = std::get_if<PingReply>(&answer);
  if (reply == nullptr) {
    return fail(options, answer);
  }
  if (options.json) {
    print_json(success(*reply));
    return exit_ok;
  }
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  print("the monitor answers: version " + shown(reply->version) + ", up " +
        format_duration(reply->uptime_ms) + ", epoch " + shown(reply->epoch) + ", after " +
        std::to_string(us) + " µs");
  return exit_ok;
}

}  // namespace heartbeat::hbctl
