// An event on its way, as bytes for the monitor and as what it says for the witness.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "heartbeat/event.hpp"
#include "wire/encode.hpp"

namespace heartbeat::simulation {

struct Message {
  EventKind kind = EventKind::activity;
  std::string agent_id;
  std::string run_id;
  std::optional<Duration> running_for_ms;
  std::optional<Duration> idle_for_ms;
  std::optional<Duration> stale_after_ms;
  std::optional<Duration> timeout_after_ms;
  std::string source;  // "" = none
  std::uint64_t seq = 0;

  std::string payload() const {
    Event event;
    event.kind = kind;
    event.agent_id = agent_id;
    event.run_id = run_id;
    event.running_for_ms = running_for_ms;
    event.idle_for_ms = idle_for_ms;
    event.stale_after_ms = stale_after_ms;
    event.timeout_after_ms = timeout_after_ms;
    event.source = source;
    event.seq = seq;
    std::string bytes;
    wire::encode(event, bytes);
    return bytes;
  }
  // For traces and findings.
  std::string shown() const {
    const auto ms = [](const char* key, const std::optional<Duration>& value) {
      return value ? std::string(" ") + key + "=" + std::to_string(value->count()) : "";
    };
    return std::string(name(kind)) + " " + agent_id + "/" + run_id + " " + source + "#" +
           std::to_string(seq) + ms("running_for", running_for_ms) + ms("idle_for", idle_for_ms) +
           ms("stale_after", stale_after_ms) + ms("timeout_after", timeout_after_ms);
  }
};

using SharedMessage = std::shared_ptr<const Message>;

}  // namespace heartbeat::simulation
