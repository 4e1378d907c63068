// Deadlines: when they are, and what happens when they pass.
#include <algorithm>

#include "core/check.hpp"
#include "core/fleet.hpp"

namespace heartbeat::core {

Duration Fleet::stale_after(const Run& run) const {
  return run.has_promise() ? run.rare().promise : limits_.stale_threshold_ms;
}

Duration Fleet::timeout_after(const Run& run) const {
  return run.rare().timeout_after != Duration{} ? run.rare().timeout_after
                                                : limits_.timeout_threshold_ms;
}

Instant Fleet::silence_exceeded_at(const Run& run, Duration threshold, Duration paused) {
  const RareFacts& rare = run.rare();
  if (run.has_promise()) {
    return rare.promised_at + rare.promise + (paused - rare.paused_before_promise);
  }
  // The event that told of the activity may have come after those pauses: then they excuse nothing.
  const Duration blind = std::max(paused - run.paused_before_activity, Duration{});
  return run.last_activity + threshold + blind;
}

Fleet::Deadline Fleet::silence_deadline(const Run& run) const {
  const auto exceeded_at = [&](Duration threshold, Duration paused) {
    return silence_exceeded_at(run, threshold, paused);
  };
  Deadline deadline{exceeded_at(limits_.stale_threshold_ms, paused_), Grace::none};
  if (exceeded_at(limits_.stale_threshold_ms, paused_when_set_) < limits_set_at_ &&
      exceeded_at(stale_threshold_before_, paused_when_set_) >= limits_set_at_) {
    deadline = {limits_set_at_ + reload_grace_ + (paused_ - paused_when_set_), Grace::reload};
  }
  const Instant graced = grace_until_ + (paused_ - paused_when_resumed_);
  return graced > deadline.at ? Deadline{graced, Grace::restart} : deadline;
}

Instant Fleet::stale_deadline(const Run& run) const { return silence_deadline(run).at; }

Instant Fleet::timeout_deadline(const Run& run) const { return run.started + timeout_after(run); }

// The next instant whose passing asks for a decision about the run.
Instant Fleet::next_due(const Run& run) const {
  const Instant timeout = timeout_deadline(run);
  if (!run.stale) {
    return std::min(stale_deadline(run), timeout);
  }
  const bool repeats = run.rare().episode != 0 && !limits_.stale_warning_only_once;
  // New limits may have moved the deadline of silence beyond the next repeat.
  return repeats ? std::min(std::max(run.rare().last_warning + limits_.check_interval_ms,
                                     stale_deadline(run)),
                            timeout)
                 : timeout;
}

void Fleet::queue(Slot slot, Instant due) {
  Run& run = runs_[slot];
  run.queued = due;
  deadlines_.set(slot, due, run.order);
}

void Fleet::queue_if_earlier(Slot slot) {
  const Instant due = next_due(runs_[slot]);
  if (due < runs_[slot].queued) {
    queue(slot, due);
  }
}

std::optional<Instant> Fleet::next_deadline() const {
  return deadlines_.empty() ? std::nullopt : std::optional{deadlines_.top().due};
}

void Fleet::advance(Instant until, Instant now, std::size_t limit, Transitions& out) {
  check(until <= now);
  pass_to(now);
  for (std::size_t looked = 0; looked < limit; ++looked) {
    if (deadlines_.empty() || deadlines_.top().due >= until) {
      break;
    }
    const Slot slot = deadlines_.top().slot;
    Run& run = runs_[slot];
    // Where both are due, only the timeout fires, in its own place among the others.
    const Instant timeout = timeout_deadline(run);
    const Instant due = timeout < until ? timeout : next_due(run);
    if (due > run.queued) {
      queue(slot, due);
    } else if (timeout < until) {
      time_out(slot, now, out);
      note_storm(now, out);
    } else {
      warn(slot, now, out);
      queue(slot, next_due(run));
      note_storm(now, out);
    }
  }
  note_room(out);  // new limits may have made some
  expire_tombstones(now, limit);
  sources_.expire(now, limit);
  types_.choose_labels(now);
  outcomes_.choose_labels(now);
}

void Fleet::warn(Slot slot, Instant now, Transitions& out) {
  Run& run = runs_[slot];
  changed_runs_.add(slot);
  std::optional<Instant> exceeded;
  if (!run.stale) {
    if (!run.told_late) {
      exceeded = stale_deadline(run);
    }
    run.told_late = false;
    run.stale = true;
    const bool opens = !run.warned || limits_.stale_rearm;
    run.make_rare().episode = opens ? ++episodes_ : 0;
    run.make_rare().opened = transitions_ + 1;
    join_stale(slot, now);
    if (!opens) {
      return;
    }
  }
  run.warned = true;
  run.make_rare().last_warning = now;
  Transition warning = describe(slot, TransitionKind::stale, now);
  warning.episode = run.rare().episode;
  warning.deadline = exceeded;
  say(std::move(warning), out);
}

void Fleet::time_out(Slot slot, Instant now, Transitions& out) {
  const Run& run = runs_[slot];
  Transition timeout = describe(slot, TransitionKind::timeout, now);
  timeout.episode = ++episodes_;
  timeout.supersedes = run.rare().episode;
  if (!run.told_late) {
    timeout.deadline = std::max(timeout_deadline(run), timeout_set_at_);
  }
  say(std::move(timeout), out);
  ++counters_.runs_timed_out_total;
  end(slot, EndedBy::timeout, now, out);
}

void Fleet::set_limits(const Limits& limits, Instant now, Duration grace) {
  if (limits.stale_threshold_ms != limits_.stale_threshold_ms) {
    // Who is in an earlier grace yet was promised the threshold from before that.
    const Instant earlier_until = limits_set_at_ + reload_grace_ + (paused_ - paused_when_set_);
    stale_threshold_before_ = now <= earlier_until
                                  ? std::max(stale_threshold_before_, limits_.stale_threshold_ms)
                                  : limits_.stale_threshold_ms;
    limits_set_at_ = now;
    paused_when_set_ = paused_;
    reload_grace_ = std::max(grace, earlier_until - now);
  }
  if (limits.timeout_threshold_ms != limits_.timeout_threshold_ms) {
    timeout_set_at_ = now;
  }
  limits_ = limits;
  requeue_from_ = 0;
}

bool Fleet::requeue(std::size_t limit) {
  if (requeue_from_ == no_slot) {
    return false;
  }
  for (; limit > 0 && requeue_from_ < runs_.end(); --limit, ++requeue_from_) {
    if (runs_[requeue_from_].in_flight()) {
      queue_if_earlier(requeue_from_);
    }
  }
  if (requeue_from_ < runs_.end()) {
    return true;
  }
  requeue_from_ = no_slot;
  return false;
}

bool Fleet::expired(const Run& run, Instant now) const {
  return run.state == RunState::ended && now - run.rare().last_zombie > limits_.tombstone_ms;
}

void Fleet::expire_tombstones(Instant now, std::size_t limit) {
  for (; limit > 0 && tombstones_.size() > 0; --limit) {
    const bool kept = !expired(runs_[tombstones_.oldest()], now);
    if (kept && tombstones_.size() <= limits_.runs_max) {
      return;
    }
    counters_.tombstones_evicted_total += kept ? 1U : 0U;
    forget(tombstones_.oldest());
  }
}

}  // namespace heartbeat::core
