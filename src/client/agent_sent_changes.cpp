#include <algorithm>
#include <utility>

#include "client/agent_sender.hpp"

namespace heartbeat {
namespace {

constexpr std::int64_t kept_ms = 5'000;
// So much the way of an event to the monitor may take longer than that of a later one.
constexpr std::int64_t jitter_ms = 5'000;

}  // namespace

AgentClient::Sender::Change& AgentClient::Sender::SentChanges::add(Change&& change) {
  change.seq = ++seq_;
  return kept_.emplace_back(std::move(change));
}

// To the monitor a run ends when it reads so, and what by its age began before that end belongs to
// the run that ended. A run that follows one of its name closely therefore counts from where it is
// told.
void AgentClient::Sender::SentChanges::note_said(Change& change, std::int64_t now) {
  change.sent = now;
  AgentRun::Record& run = *change.run;
  if (change.what == What::end) {
    ended_[run.name()] = now;
  } else if (change.what == What::begin) {
    if (const auto ended = ended_.find(run.name()); ended != ended_.end()) {
      run.started = std::max(run.started, std::min(now, ended->second + jitter_ms));
    }
  }
}

void AgentClient::Sender::SentChanges::note_taken(std::uint64_t first, std::uint64_t end,
                                                  std::int64_t now) {
  if (first == end) {
    return;
  }
  for (std::uint64_t seq = first; seq < end; ++seq) {
    kept_[seq - kept_.front().seq].sent = now;
  }
  taken_ = std::max(taken_, end - 1);
}

// A connection that ends again and again within kept_ms lets none of them grow old, so that their
// number has a limit, too.
void AgentClient::Sender::SentChanges::forget(std::int64_t now) {
  const auto oldest_was_taken = [this] { return !kept_.empty() && kept_.front().seq <= taken_; };
  while (oldest_was_taken() && now - kept_.front().sent > kept_ms) {
    forget_oldest();
  }
  while (kept_.size() > size_max_ && oldest_was_taken()) {
    forget_oldest();
    ++displaced_;
  }
}

void AgentClient::Sender::SentChanges::forget_oldest() {
  const Change& change = kept_.front();
  const auto ended = ended_.find(change.run->name());
  if (ended != ended_.end() && ended->second <= change.sent) {
    ended_.erase(ended);
  }
  kept_.pop_front();
}

}  // namespace heartbeat
