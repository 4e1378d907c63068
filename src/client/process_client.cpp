#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "heartbeat/agent_client.hpp"

namespace heartbeat::process_client {
namespace {

// The one mutable static: it is what this file is for.
struct Kept {
  std::mutex mutex;
  std::unique_ptr<AgentClient> client;
};

Kept& kept() {
  static Kept one;
  return one;
}

}  // namespace

void init(AgentClientOptions options) {
  const std::scoped_lock lock(kept().mutex);
  if (kept().client) {
    throw std::logic_error("heartbeat::process_client::init: called twice without stop()");
  }
  kept().client = std::make_unique<AgentClient>(std::move(options));
}

AgentClient& get() {
  const std::scoped_lock lock(kept().mutex);
  if (!kept().client) {
    throw std::logic_error("heartbeat::process_client::get: call init() first");
  }
  return *kept().client;
}

void stop() noexcept {
  const std::scoped_lock lock(kept().mutex);
  kept().client.reset();
}

}  // namespace heartbeat::process_client
