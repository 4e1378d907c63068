#include "heartbeat/agent_client.hpp"

#include <exception>
#include <stdexcept>
#include <utility>

#include "client/agent_sender.hpp"
#include "client/fitting.hpp"
#include "wire/utf8.hpp"

namespace heartbeat {
namespace {

template <class Member>
bool acceptable(Member Event::*member, std::string_view text) {
  const Bounds bounds = client::bounds_of(member);
  return text.size() >= bounds.min && text.size() <= bounds.max && wire::is_clean_text(text);
}

}  // namespace

AgentClient::AgentClient(AgentClientOptions options) : sender_(Sender::make(std::move(options))) {}

AgentClient::~AgentClient() { stop(); }

void AgentClient::stop() noexcept { sender_->stop(); }

AgentClient::Counts AgentClient::counts() const { return sender_->counts(); }

AgentRun::AgentRun(AgentClient& client, AgentRunOptions options) noexcept
    : sender_(client.sender_), exceptions_(std::uncaught_exceptions()) {
  try {
    if (!acceptable(&Event::agent_id, options.agent_id) ||
        !acceptable(&Event::run_id, options.run_id) ||
        !acceptable(&Event::task_id, options.task_id)) {
      sender_->count_dropped();
      return;
    }
    auto record = std::make_shared<Record>();
    const std::int64_t now = boot_now();
    record->agent_id = std::move(options.agent_id);
    record->run_id = std::move(options.run_id);
    record->started = now;
    record->timeout_after = client::acceptable_wait(options.timeout_after);
    AgentClient::Sender::Change change;
    change.run = record;
    change.at = now;
    change.text = std::move(options.task_id);
    change.agent_type = client::fitting(&Event::agent_type, options.agent_type);
    change.phase = client::fitting(&Event::phase, options.phase);
    change.detail = client::fitting(&Event::detail, options.detail);
    change.promise = client::acceptable_wait(options.promise);
    sender_->take(std::move(change));
    record_ = std::move(record);
  } catch (const std::exception&) {  // out of memory
    sender_->count_dropped();
  }
}

AgentRun::~AgentRun() { finish(std::uncaught_exceptions() > exceptions_ ? "failed" : "done"); }

void AgentRun::activity() noexcept {
  if (record_) {
    // Whoever reads it sees the progress that was stored before it, too.
    record_->active.store(boot_now(), std::memory_order_release);
  }
}

void AgentRun::progress(std::uint64_t value) noexcept {
  if (record_) {
    record_->progress.store(value, std::memory_order_relaxed);
    activity();
  }
}

void AgentRun::idle() noexcept {
  if (record_) {
    sender_->change(record_, AgentClient::Sender::What::idle);
  }
}

void AgentRun::phase(std::string_view text) noexcept {
  if (record_) {
    sender_->change(record_, AgentClient::Sender::What::phase, text);
  }
}

void AgentRun::detail(std::string_view text) noexcept {
  if (record_) {
    sender_->change(record_, AgentClient::Sender::What::detail, text);
  }
}

void AgentRun::promise(Duration within) noexcept {
  if (record_) {
    sender_->change(record_, AgentClient::Sender::What::promise, {}, within);
  }
}

void AgentRun::finish(std::string_view outcome, std::string_view detail) noexcept {
  if (record_) {
    sender_->change(record_, AgentClient::Sender::What::end, outcome, std::nullopt, detail);
  }
}

}  // namespace heartbeat
