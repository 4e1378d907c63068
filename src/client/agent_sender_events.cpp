// What the sender says, as events: of changes, of activity, and of a run as a whole.
#include <algorithm>
#include <chrono>
#include <utility>

#include "client/agent_sender.hpp"

namespace heartbeat {
namespace {

Duration since(std::int64_t then, std::int64_t now) {
  return std::clamp(Duration{now - then}, Duration{0}, duration_max);
}

}  // namespace

void AgentClient::Sender::note_latest(const Change& change) {
  AgentRun::Record& run = *change.run;
  if (change.active != 0) {
    run.active_latest = std::max(run.active_latest, change.active);
    run.idle_latest = false;
  }
  if (change.what == What::idle) {
    run.idle_latest = true;
  } else if (change.what != What::end && !run.idle_latest) {
    run.active_latest = std::max(run.active_latest, change.at);
  }
}

// Also where the monitor is told of what came before: with much to tell after a fresh subscription
// it would else read, and judge, a silence that has long ended.
std::int64_t AgentClient::Sender::latest_activity(const AgentRun::Record& run) {
  return std::max({run.active_told, run.active_latest, run.active.load(std::memory_order_relaxed)});
}

// Notes what the monitor is told by it.
void AgentClient::Sender::apply(Change& change) {
  AgentRun::Record& run = *change.run;
  switch (change.what) {
    case What::begin:
      change.kind = EventKind::register_;
      run.task_id = change.text;
      run.agent_type = change.agent_type;
      run.phase = change.phase;
      run.detail = change.detail;
      run.active_told = change.at;
      run.place = runs_.size();
      runs_.push_back(change.run);
      break;
    case What::end:
      change.kind = EventKind::unregister;
      remove(run);
      return;
    case What::idle:
      change.kind = EventKind::idle;
      run.idle = true;
      return;
    case What::phase:
    case What::detail:
    case What::promise:
      change.kind = run.idle ? EventKind::idle : EventKind::activity;
      if (!run.idle) {
        run.active_told = std::max(run.active_told, change.at);
        run.promised_until.reset();
      }
      if (change.what == What::phase) {
        run.phase = change.text;
      } else if (change.what == What::detail) {
        run.detail = change.text;
      }
      break;
  }
  if (change.promise) {
    run.promised_until = change.at + change.promise->count();
  }
}

Event AgentClient::Sender::event_of(const Change& change) const {
  Event event = plain(*change.run, change.kind);
  event.source = change_source_;
  event.seq = change.seq;
  if (change.kind == EventKind::register_ || change.kind == EventKind::activity) {
    event.idle_for_ms = since(latest_activity(*change.run), now_);
  }
  // An activity since has ended the promise.
  if (change.promise && latest_activity(*change.run) <= change.at) {
    event.stale_after_ms =
        std::max(*change.promise - since(change.at, now_), Duration{1});  // 1: it is broken
  }
  switch (change.what) {
    case What::begin:
      event.task_id = change.text;
      event.agent_type = change.agent_type;
      event.phase = change.phase;
      event.detail = change.detail;
      event.timeout_after_ms = change.run->timeout_after;
      break;
    case What::end:
      event.outcome = change.text;
      if (!change.detail.empty()) {
        event.detail = change.detail;
      }
      break;
    case What::phase:
      event.phase = change.text;
      break;
    case What::detail:
      event.detail = change.text;
      break;
    case What::idle:
    case What::promise:
      break;
  }
  return event;
}

void AgentClient::Sender::note_active(AgentRun::Record& run, std::int64_t active) {
  run.active_told = std::max(run.active_told, active);
  run.idle = false;
  run.promised_until.reset();
}

Event AgentClient::Sender::activity_of(AgentRun::Record& run, std::int64_t active) {
  note_active(run, active);
  Event event = beat(run, EventKind::activity);
  const std::uint64_t progress = run.progress.load(std::memory_order_relaxed);
  if (progress != run.progress_told) {
    run.progress_told = progress;
    event.progress = progress;
  }
  return event;
}

// Enough for a monitor that knows nothing of the run. As told so far: what came since follows.
//
// A promise that was broken has no rest to tell. To a monitor that warned of it, another promise
// and `activity` each end that silence, so that it would warn once more; `idle` leaves it as it is.
// A monitor that knew of no promise judges the silence, whose age it is told, by its own limit.
void AgentClient::Sender::tell_state(const AgentRun::Record& run, std::vector<Event>& events) {
  // An activity that is not told yet has ended the promise.
  const bool promises = run.promised_until && latest_activity(run) <= run.active_told;
  const bool broken = promises && *run.promised_until <= now_;
  if (!broken && (!run.idle || run.progress_told != 0)) {  // `idle` tells no progress
    Event& event = events.emplace_back(beat(run, EventKind::activity));
    event.progress = run.progress_told;
  }
  if (broken || run.idle) {
    events.push_back(beat(run, EventKind::idle));
  }
  Event& event = events.back();
  if (promises && !broken) {
    event.stale_after_ms = Duration{*run.promised_until - now_};
  }
  event.task_id = run.task_id;
  event.agent_type = run.agent_type;
  event.phase = run.phase;
  event.detail = run.detail;
}

Event AgentClient::Sender::beat(const AgentRun::Record& run, EventKind kind) {
  Event event = plain(run, kind);
  event.source = beat_source_;
  event.seq = ++beat_seq_;
  event.idle_for_ms = since(latest_activity(run), now_);
  return event;
}

Event AgentClient::Sender::plain(const AgentRun::Record& run, EventKind kind) const {
  Event event;
  event.kind = kind;
  event.agent_id = run.agent_id;
  event.run_id = run.run_id;
  event.running_for_ms = since(run.started, now_);
  event.sent_at = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  return event;
}

void AgentClient::Sender::remove(AgentRun::Record& run) {
  runs_.back()->place = run.place;
  std::swap(runs_[run.place], runs_.back());
  runs_.pop_back();
}

}  // namespace heartbeat
