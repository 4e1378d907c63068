#include "core/fleet.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace heartbeat::core {
namespace {

// Whoever allows more runs gets the room when they come.
constexpr std::size_t reserved_max = 16'000'000;

void note_read(Run& run, EventKind kind, Instant now) {
  switch (kind) {
    case EventKind::register_:
      run.last_register_event = now;
      break;
    case EventKind::activity:
      run.last_activity_event = now;
      break;
    case EventKind::idle:
      run.make_rare().last_idle_event = now;
      break;
    case EventKind::unregister:
      break;
  }
}

Instant began_at(const Event& event, Instant now) {
  return now - event.running_for_ms.value_or(Duration{});
}

}  // namespace

Fleet::Fleet(const Limits& limits) : limits_(limits), sources_(counters_) {
  deadlines_.reserve(std::min(limits.runs_max, reserved_max));
}

void Fleet::pass_to(Instant now) {
  check(now >= now_);
  now_ = now;
}

// What an event does, by the state of its run:
//
//              unknown   running, idle            ended (tombstone)
//  register    starts    starts anew              starts anew; zombie if it began before the end
//  activity    adopted   last activity, running   zombie; adopted if it began after the end
//  idle        adopted   idle                     as activity
//  unregister  ignored   ends                     ignored
//
// In flight, anything but a register that began well before the run is a zombie of an earlier one;
// see is_of_earlier_run().
void Fleet::fold_one(const Event& event, const Places& places, Instant now, Transitions& out) {
  ++counters_.events_received_total;
  const Sequence sequence = sources_.observe(event, places.source_hash, places.source, now);
  Slot slot = event.agent_id.empty() ? no_slot : find_record(event, places);
  if (event.rejected) {
    ++counters_.events_rejected_total[static_cast<std::size_t>(*event.rejected)];
    sources_.note_rejected(sequence, *event.rejected);
    if (slot != no_slot) {
      ++runs_[slot].make_rare().rejected_events;
    }
    return;
  }
  if (sequence.duplicate) {
    ++counters_.events_duplicate_total;
    return;
  }
  if (slot != no_slot && expired(runs_[slot], now)) {
    forget(slot);
    slot = no_slot;
  }
  slot = slot != no_slot && runs_[slot].in_flight()
             ? fold_in_flight(slot, event, now, out)
             : fold_not_in_flight(slot, event, places.run_hash, sequence, now, out);
  if (slot == no_slot) {
    return;
  }
  Run& run = runs_[slot];
  note_read(run, event.kind, now);
  run.sent_at = event.sent_at;
  if (sequence.slot != no_slot) {
    run.source = sources_.mark(sequence.slot, event.seq);
  } else {
    run.source = {};
  }
}

Slot Fleet::fold_in_flight(Slot slot, const Event& event, Instant now, Transitions& out) {
  Run& run = runs_[slot];
  if (is_of_earlier_run(slot, event, now)) {
    zombie(slot, now);
    return no_slot;
  }
  ++counters_.events_folded_total;
  switch (event.kind) {
    case EventKind::register_:
      make_fresh(slot, Reason::re_registered, before_fresh(slot, now), out);
      start(slot, event, now);
      return slot;
    case EventKind::activity:
    case EventKind::idle:
      apply_sign_of_life(slot, event, now, out);
      return slot;
    case EventKind::unregister:
      apply_texts(run, event);
      make_fresh(slot, Reason::unregistered, before_fresh(slot, now), out);
      ++counters_.runs_unregistered_total;
      end(slot, EndedBy::unregister, now, out);
      return no_slot;
  }
  return no_slot;
}

// A run whose first event waited long for being read began before it seemed to: the first event
// that says so moves its start, instead of being a zombie like all that follow.
bool Fleet::is_of_earlier_run(Slot slot, const Event& event, Instant now) {
  Run& run = runs_[slot];
  if (!event.running_for_ms || event.kind == EventKind::register_) {
    return false;
  }
  const Instant began = began_at(event, now);
  if (began >= run.started - earlier_run_slack) {
    return false;
  }
  if (began < run.started - earlier_run_slack - std::chrono::seconds{run.read_late_seconds}) {
    return true;
  }
  run.started = began;
  run.read_late_seconds = 0;
  queue_if_earlier(slot);
  changed_runs_.add(slot);
  return false;
}

Slot Fleet::fold_not_in_flight(Slot slot, const Event& event, std::uint64_t hash,
                               const Sequence& sequence, Instant now, Transitions& out) {
  const bool adopts = event.kind == EventKind::activity || event.kind == EventKind::idle;
  if (event.kind == EventKind::unregister) {
    ++counters_.events_ignored_total;
    return no_slot;
  }
  if (slot != no_slot) {
    const Instant began = began_at(event, now);
    const Instant ended = runs_[slot].rare().ended_at;
    if (adopts ? !event.running_for_ms || began <= ended : began < ended) {
      zombie(slot, now);
      return no_slot;
    }
  }
  if (adopts && !limits_.adopt_unknown) {
    ++counters_.events_ignored_total;
    return no_slot;
  }
  if (runs_in_flight() >= limits_.runs_max) {
    ++counters_.events_rejected_total[static_cast<std::size_t>(Rejection::too_many_runs)];
    sources_.note_rejected(sequence, Rejection::too_many_runs);
    note_capacity(out);
    return no_slot;
  }
  ++counters_.events_folded_total;
  if (slot == no_slot) {
    slot = add_record(event, hash);
  } else {
    tombstones_.remove(slot);
    unlink_agent(slot);
  }
  start(slot, event, now);
  link_agent(slot);
  return slot;
}

// Sets everything that belongs to one registration; the rest of the record is the caller's.
void Fleet::start(Slot slot, const Event& event, Instant now) {
  Run& run = runs_[slot];
  ++counters_.runs_started_total;
  run.adopted = event.kind != EventKind::register_;
  counters_.runs_adopted_total += run.adopted ? 1 : 0;
  if (run.in_flight()) {
    types_.leave(run.type, run.state == RunState::idle);
    set_state(run, RunState::unknown);
  }
  run.warned = false;
  run.started = began_at(event, now);
  const Duration late =
      read_to_ ? std::clamp(now - *read_to_, Duration{}, read_late_max) : Duration{};
  run.read_late_seconds =
      static_cast<std::uint16_t>(std::chrono::floor<std::chrono::seconds>(late).count());
  run.last_activity = now - event.idle_for_ms.value_or(Duration{});
  run.paused_before_activity = paused_;
  run.progress = 0;
  run.last_register_event = run.last_activity_event = {};
  if (run.rare_facts || event.stale_after_ms || event.timeout_after_ms) {
    RareFacts& rare = run.make_rare() = {};
    rare.promise = event.stale_after_ms.value_or(Duration{});
    rare.promised_at = now;
    rare.paused_before_promise = paused_;
    if (event.kind == EventKind::register_) {
      rare.timeout_after = event.timeout_after_ms.value_or(Duration{});
    }
  }
  run.order = ++registrations_;
  for (const Text text :
       {Text::task_id, Text::agent_type, Text::phase, Text::detail, Text::outcome}) {
    run.texts.set(text, {});
  }
  apply_texts(run, event);
  set_state(run, event.kind == EventKind::idle ? RunState::idle : RunState::running);
  run.type = types_.join(run.texts.get(Text::agent_type), run.state == RunState::idle);
  queue(slot, next_due(run));
  run.told_late = run.queued < now;
  changed_runs_.add(slot);
}

void Fleet::apply_sign_of_life(Slot slot, const Event& event, Instant now, Transitions& out) {
  Run& run = runs_[slot];
  const std::optional<Transition> before = before_fresh(slot, now);
  const RunState state_before = run.state;
  const bool matters =
      apply_texts(run, event) || run.stale || run.has_promise() || event.stale_after_ms.has_value();
  // By a grace or a pause, which this event ends; else a sign of life moves a deadline later.
  const bool had_longer =
      run.last_activity < limits_set_at_ || run.paused_before_activity != paused_;
  if (event.kind == EventKind::idle) {
    set_state(run, RunState::idle);
  } else {
    set_state(run, RunState::running);
    const Instant active = now - event.idle_for_ms.value_or(Duration{});
    if (active >= run.last_activity) {
      run.last_activity = active;
      run.paused_before_activity = paused_;
      changed_blocks_.add(slot / run_block);
    }
    if (run.has_promise()) {
      run.make_rare().promise = Duration{};
    }
    if (run.stale && now <= silence_exceeded_at(run, limits_.stale_threshold_ms, paused_)) {
      make_fresh(slot, Reason::activity, before, out);
    }
  }
  if (event.stale_after_ms) {
    RareFacts& rare = run.make_rare();
    rare.promise = *event.stale_after_ms;
    rare.promised_at = now;
    rare.paused_before_promise = paused_;
    make_fresh(slot, Reason::promise, before, out);
  }
  if (matters || had_longer) {
    queue_if_earlier(slot);
  }
  if (matters || run.state != state_before) {
    changed_runs_.add(slot);
  }
}

bool Fleet::apply_texts(Run& run, const Event& event) {
  bool changed = false;
  const auto apply = [&](Text text, const std::optional<std::string_view>& value) {
    if (value && run.texts.get(text) != *value) {
      run.texts.set(text, *value);
      changed = true;
      if (text == Text::agent_type && run.in_flight()) {
        follow_type(run);
      }
    }
  };
  apply(Text::task_id, event.task_id);
  apply(Text::agent_type, event.agent_type);
  apply(Text::detail, event.detail);
  if (event.kind == EventKind::unregister) {
    apply(Text::outcome, event.outcome);
  } else {
    apply(Text::phase, event.phase);
  }
  if (event.kind == EventKind::activity && event.progress) {
    run.progress = *event.progress;
  }
  return changed;
}

// Ends the silence, and its episode if one is open. `before` describes the run before the event.
void Fleet::make_fresh(Slot slot, Reason reason, const std::optional<Transition>& before,
                       Transitions& out) {
  Run& run = runs_[slot];
  if (!run.stale) {
    return;
  }
  run.stale = false;
  leave_stale(slot);
  if (run.rare().episode == 0) {
    return;
  }
  Transition resolved = *before;
  resolved.reason = reason;
  resolved.episode = run.rare().episode;
  resolved.task_id = run.texts.get(Text::task_id);
  resolved.agent_type = run.texts.get(Text::agent_type);
  say(std::move(resolved), out);
  run.make_rare().episode = 0;
}

Transition Fleet::describe(Slot slot, TransitionKind kind, Instant now) const {
  const Run& run = runs_[slot];
  Transition transition;
  transition.slot = slot;
  transition.kind = kind;
  transition.agent_id = run.agent_id();
  transition.run_id = run.run_id();
  transition.task_id = run.texts.get(Text::task_id);
  transition.agent_type = run.texts.get(Text::agent_type);
  transition.idle = now - run.last_activity;
  transition.elapsed = now - run.started;
  transition.threshold = kind == TransitionKind::timeout ? timeout_after(run) : stale_after(run);
  transition.lost_events = lost_events(run, now);
  transition.blind = blind(run, now);
  if (kind != TransitionKind::resolved) {
    transition.storm = storm_;
  }
  return transition;
}

std::optional<Transition> Fleet::before_fresh(Slot slot, Instant now) const {
  return runs_[slot].stale ? std::optional{describe(slot, TransitionKind::resolved, now)}
                           : std::nullopt;
}

void Fleet::set_state(Run& run, RunState state) {
  if (run.state == state) {
    return;
  }
  idle_ -= run.state == RunState::idle ? 1 : 0;
  idle_ += state == RunState::idle ? 1 : 0;
  const bool flew = run.in_flight();
  run.state = state;
  if (flew && run.in_flight()) {
    types_.change_status(run.type, state == RunState::idle);
  }
}

void Fleet::follow_type(Run& run) {
  const bool idle = run.state == RunState::idle;
  const RunTypes::Index to = types_.join(run.texts.get(Text::agent_type), idle);
  if (run.stale) {
    types_.become_fresh(run.type);
    types_.become_stale(to);
  }
  types_.leave(run.type, idle);
  run.type = to;
}

void Fleet::zombie(Slot slot, Instant now) {
  Run& run = runs_[slot];
  ++counters_.events_zombie_total;
  ++run.make_rare().zombie_events;
  if (run.in_flight()) {
    return;
  }
  tombstones_.remove(slot);
  run.make_rare().last_zombie = now;
  tombstones_.append(slot);
  changed_runs_.add(slot);
}

// From flight to tombstone. The stale episode, if any, has been closed or superseded.
void Fleet::end(Slot slot, EndedBy by, Instant now, Transitions& out) {
  Run& run = runs_[slot];
  if (run.stale) {
    leave_stale(slot);
  }
  run.stale = false;
  deadlines_.remove(slot);
  unlink_agent(slot);
  types_.leave(run.type, run.state == RunState::idle);
  types_.count_ended(run.type, now - run.started);
  outcomes_.count(by == EndedBy::timeout ? "timeout" : run.texts.get(Text::outcome));
  set_state(run, RunState::ended);
  run.ended_by = by;
  RareFacts& rare = run.make_rare();
  rare.episode = 0;
  rare.ended_at = now;
  rare.last_zombie = now;
  link_agent(slot);
  tombstones_.append(slot);
  changed_runs_.add(slot);
  // One goes for one that comes; where a new runs_max leaves more to do, advance() does it.
  expire_tombstones(now, 1);
  note_room(out);
}

}  // namespace heartbeat::core
