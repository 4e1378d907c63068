// What concerns the fleet as a whole: storms and capacity.
#include <utility>

#include "core/fleet.hpp"

namespace heartbeat::core {

void Fleet::say(Transition&& transition, Transitions& out) {
  ++transitions_;
  out.push_back(std::move(transition));
}

void Fleet::note_capacity(Transitions& out) {
  if (capacity_episode_ != 0) {
    return;
  }
  capacity_episode_ = ++episodes_;
  Transition transition;
  transition.kind = TransitionKind::capacity;
  transition.episode = capacity_episode_;
  transition.runs = runs_in_flight();
  transition.of_runs = limits_.runs_max;
  say(std::move(transition), out);
}

void Fleet::note_room(Transitions& out) {
  if (capacity_episode_ == 0 || runs_in_flight() * 100 >= limits_.runs_max * 95) {
    return;
  }
  Transition transition;
  transition.kind = TransitionKind::resolved;
  transition.reason = Reason::subsided;
  transition.ends = TransitionKind::capacity;
  transition.episode = capacity_episode_;
  transition.runs = runs_in_flight();
  transition.of_runs = limits_.runs_max;
  say(std::move(transition), out);
  capacity_episode_ = 0;
}

// A run falls silent when its episode opens. A silence that opens none was warned of before.
bool Fleet::counts_as_silent(const Run& run) const {
  return run.rare().episode != 0 && silent_from_ != no_slot &&
         run.rare().stale_since >= runs_[silent_from_].rare().stale_since;
}

void Fleet::join_stale(Slot slot, Instant now) {
  Run& run = runs_[slot];
  run.make_rare().stale_since = now;
  stale_.append(slot);
  types_.become_stale(run.type);
  if (run.rare().episode != 0) {
    silent_from_ = silent_from_ == no_slot ? slot : silent_from_;
    ++silent_;
  }
}

void Fleet::leave_stale(Slot slot) {
  silent_ -= counts_as_silent(runs_[slot]) ? 1U : 0U;
  if (silent_from_ == slot) {
    silent_from_ = stale_.newer(slot);
  }
  stale_.remove(slot);
  types_.become_fresh(runs_[slot].type);
}

void Fleet::note_storm_among_many(Instant now, Transitions& out) {
  while (silent_from_ != no_slot && (runs_[silent_from_].rare().episode == 0 ||
                                     now - runs_[silent_from_].rare().stale_since > storm_window)) {
    silent_ -= runs_[silent_from_].rare().episode != 0 ? 1U : 0U;
    silent_from_ = stale_.newer(silent_from_);
  }
  Transition transition;
  transition.of_runs = runs_in_flight();
  if (storm_ == 0) {
    if (silent_ < storm_runs_min || silent_ * 2 <= runs_in_flight()) {
      return;
    }
    storm_ = ++episodes_;
    transition.kind = TransitionKind::storm;
    transition.episode = storm_;
    transition.runs = silent_;
    storm_opened_ = runs_[silent_from_].rare().opened;
    transition.since = transitions_ + 1 - storm_opened_;
    say(std::move(transition), out);
  } else if (stale_.size() < storm_runs_min || stale_.size() * 4 <= runs_in_flight()) {
    transition.kind = TransitionKind::resolved;
    transition.reason = Reason::subsided;
    transition.ends = TransitionKind::storm;
    transition.episode = storm_;
    transition.runs = stale_.size();
    say(std::move(transition), out);
    storm_ = 0;
  }
}

}  // namespace heartbeat::core
