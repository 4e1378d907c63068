// From when on a silence may be warned of, and until when it has to be: pauses, a restart and a
// reload of the configuration put that off.
#include <algorithm>

#include "truth.hpp"

namespace heartbeat::simulation {

void Truth::reloads(Duration threshold_before, Instant at) {
  reloaded_at_ = at;
  const core::Limits& limits = plan_.options.limits;
  if (threshold_before == limits.stale_threshold_ms) {
    return;
  }
  Reload reload{at, threshold_before, threshold_before, plan_.options.restart_grace_ms};
  // A grace that goes on is not cut short.
  if (reload_ && at <= reload_->at + reload_->grace + paused(reload_->at, true, at)) {
    reload.threshold_before_min = std::max(threshold_before, reload_->threshold_before_min);
  }
  if (reload_ && at <= reload_->at + reload_->grace + paused(reload_->at, false, at)) {
    reload.threshold_before_max = std::max(threshold_before, reload_->threshold_before_max);
  }
  reload_ = reload;
}

Instant Truth::exceeded(const Run& run, Duration threshold, bool surely, Instant before) const {
  return run.promise
             ? run.promised_at + *run.promise + run.paused_promise +
                   paused(run.promise_at, surely, before)
             : run.active + threshold + run.paused_active + paused(run.active_at, surely, before);
}

Instant Truth::silence_from(const Run& run, Instant at) const {
  const Duration threshold = plan_.options.limits.stale_threshold_ms;
  Instant from = exceeded(run, threshold, true, at);
  if (reload_ && exceeded(run, threshold, false, reload_->at) < reload_->at &&
      exceeded(run, reload_->threshold_before_min, true, reload_->at) >= reload_->at) {
    from = std::max(from, reload_->at + reload_->grace + paused(reload_->at, true, at));
  }
  return std::max(from, grace_from_ + paused(started_, true, at));
}

Instant Truth::silence_to(const Run& run) const {
  const Duration threshold = plan_.options.limits.stale_threshold_ms;
  Instant to = exceeded(run, threshold, false, Instant::max());
  if (reload_ && exceeded(run, threshold, true, reload_->at) < reload_->at &&
      exceeded(run, reload_->threshold_before_max, false, reload_->at) >= reload_->at) {
    to = std::max(to, reload_->at + reload_->grace + paused(reload_->at, false));
  }
  return std::max(to, grace_to_ + paused(started_, false));
}

}  // namespace heartbeat::simulation
