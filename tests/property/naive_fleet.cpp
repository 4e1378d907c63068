#include "naive_fleet.hpp"

#include <algorithm>
#include <iterator>

namespace heartbeat::naive {

using core::Reason;
using core::Transition;
using core::TransitionKind;

namespace {

std::string label_of(const std::string& text) { return text.empty() ? "none" : text; }

}  // namespace

std::size_t Fleet::runs_idle() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(runs_, [](const auto& entry) { return entry.second.idle; }));
}

std::size_t Fleet::runs_stale() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(runs_, [](const auto& entry) { return entry.second.stale; }));
}

std::map<std::string, core::RunTypes::Counts> Fleet::types() const {
  std::map<std::string, core::RunTypes::Counts> types;
  for (const auto& [type, durations] : ended_) {
    types[type].ended_ms = durations;
  }
  for (const auto& [key, run] : runs_) {
    core::RunTypes::Counts& counts = types[label_of(run.agent_type)];
    ++(run.idle ? counts.idle : counts.running);
    counts.stale += run.stale ? 1U : 0U;
  }
  return types;
}

std::size_t Fleet::tombstones(Instant now) const {
  return static_cast<std::size_t>(std::ranges::count_if(tombstones_, [&](const auto& entry) {
    return now - entry.second.last_zombie <= limits_.tombstone_ms;
  }));
}

void Fleet::fold(std::span<const Event> events, Instant now, core::Transitions& out) {
  for (const Event& event : events) {
    fold_one(event, now, out);
    note_storm(now, out);
  }
}

Fleet::Observed Fleet::observe(const Event& event, Instant now) {
  if (event.source.empty() || event.seq == 0) {
    return {};
  }
  const std::string name{event.source};
  if (const auto old = sources_.find(name);
      old != sources_.end() && now - old->second.heard > core::source_kept_ms) {
    sources_.erase(old);
  }
  const auto [entry, first] = sources_.try_emplace(name);
  Source& source = entry->second;
  const std::uint64_t seq = event.seq;
  bool duplicate = false;
  bool restarted = false;
  if (first) {
    source.incarnation = ++incarnations_;
    source.base = source.highest = seq;
  } else if (event.kind == EventKind::register_ && seq == 1 && source.highest > 1) {
    restarted = true;
  } else if (seq > source.highest) {
    restarted = seq - source.highest > 1'000'000;
    if (!restarted) {
      counters_.events_lost_total += seq - source.highest - 1;
      source.highest = seq;
    }
  } else if (source.highest - seq > 64) {
    restarted = true;
  } else if (source.seen.contains(seq)) {
    duplicate = true;
  } else {
    ++counters_.events_late_total;
  }
  if (restarted) {
    ++counters_.sources_restarted_total;
    source.incarnation = ++incarnations_;
    source.seen.clear();
    source.base = source.highest = seq;
  }
  source.seen.insert(seq);
  source.heard = now;
  return {duplicate, Mark{name, source.incarnation, seq, source.unseen(source.base, seq)}};
}

std::uint64_t Source::unseen(std::uint64_t above, std::uint64_t up_to) const {
  if (up_to <= above) {
    return 0;
  }
  const auto present = std::distance(seen.upper_bound(above), seen.upper_bound(up_to));
  return up_to - above - static_cast<std::uint64_t>(present);
}

void Fleet::fold_one(const Event& event, Instant now, core::Transitions& out) {
  ++counters_.events_received_total;
  const Observed observed = observe(event, now);
  const Key key{event.agent_id, event.run_id};
  if (event.rejected) {
    reject(*event.rejected);
    if (const auto run = runs_.find(key); run != runs_.end()) {
      ++run->second.rejected_events;
    }
    return;
  }
  if (observed.duplicate) {
    ++counters_.events_duplicate_total;
    return;
  }
  const std::optional<Instant> began =
      event.running_for_ms ? std::optional{now - *event.running_for_ms} : std::nullopt;
  const bool registers = event.kind == EventKind::register_;
  if (const auto found = runs_.find(key); found != runs_.end()) {
    if (!registers && began && *began < found->second.started - core::earlier_run_slack) {
      ++counters_.events_zombie_total;
      ++found->second.zombie_events;
      return;
    }
    fold_in_flight(key, event, now, out);
  } else {
    if (const auto dead = tombstones_.find(key);
        dead != tombstones_.end() && now - dead->second.last_zombie > limits_.tombstone_ms) {
      tombstones_.erase(dead);
    }
    if (event.kind == EventKind::unregister) {
      ++counters_.events_ignored_total;
      return;
    }
    if (const auto dead = tombstones_.find(key); dead != tombstones_.end()) {
      const Instant ended = dead->second.ended;
      const bool zombie = registers ? began && *began < ended : !began || *began <= ended;
      if (zombie) {
        dead->second.last_zombie = now;
        dead->second.touched = ++touches_;
        ++counters_.events_zombie_total;
        return;
      }
    }
    if (!registers && !limits_.adopt_unknown) {
      ++counters_.events_ignored_total;
      return;
    }
    if (!start(key, event, now, out)) {
      return;
    }
  }
  ++counters_.events_folded_total;
  if (const auto run = runs_.find(key); run != runs_.end()) {
    run->second.mark = observed.mark;
    run->second.last_event[event.kind] = now;
    run->second.sent_at = event.sent_at;
  }
}

bool Fleet::start(const Key& key, const Event& event, Instant now, core::Transitions& out) {
  if (runs_.size() >= limits_.runs_max && !runs_.contains(key)) {
    reject(Rejection::too_many_runs);
    if (!capacity_episode_) {
      capacity_episode_ = ++episodes_;
      Transition transition;
      transition.kind = TransitionKind::capacity;
      transition.episode = *capacity_episode_;
      transition.runs = runs_.size();
      transition.of_runs = limits_.runs_max;
      say(transition, out);
    }
    return false;
  }
  const bool registers = event.kind == EventKind::register_;
  tombstones_.erase(key);
  Run run;
  run.adopted = !registers;
  run.idle = event.kind == EventKind::idle;
  run.started = now - event.running_for_ms.value_or(Duration{});
  run.last_activity = now - event.idle_for_ms.value_or(Duration{});
  run.promise = event.stale_after_ms;
  run.promised_at = now;
  run.paused_before_activity = paused_;
  run.paused_before_promise = paused_;
  if (registers) {
    run.timeout_after = event.timeout_after_ms;
  }
  run.order = ++registrations_;
  apply_texts(run, event);
  run.told_late = std::min(stale_deadline(run), timeout_deadline(run)) < now;
  runs_[key] = run;
  ++counters_.runs_started_total;
  counters_.runs_adopted_total += registers ? 0U : 1U;
  return true;
}

void Fleet::fold_in_flight(const Key& key, const Event& event, Instant now,
                           core::Transitions& out) {
  Run& run = runs_.at(key);
  if (event.kind == EventKind::register_) {
    make_fresh(run, Reason::re_registered, describe(key, run, TransitionKind::resolved, now), out);
    start(key, event, now, out);
    return;
  }
  apply_texts(run, event);
  const Transition before = describe(key, run, TransitionKind::resolved, now);
  switch (event.kind) {
    case EventKind::unregister:
      make_fresh(run, Reason::unregistered, before, out);
      ++counters_.runs_unregistered_total;
      end(key, std::string{event.outcome.value_or("")}, now, out);
      return;
    case EventKind::activity:
      run.idle = false;
      run.promise.reset();
      if (const Instant active = now - event.idle_for_ms.value_or(Duration{});
          active >= run.last_activity) {
        run.last_activity = active;
        run.paused_before_activity = paused_;
      }
      if (now - run.last_activity - blind(run) <= limits_.stale_threshold_ms) {
        make_fresh(run, Reason::activity, before, out);
      }
      break;
    case EventKind::idle:
      run.idle = true;
      break;
    case EventKind::register_:
      break;
  }
  if (event.stale_after_ms) {
    make_fresh(run, Reason::promise, before, out);
    run.promise = event.stale_after_ms;
    run.promised_at = now;
    run.paused_before_promise = paused_;
  }
}

void Fleet::apply_texts(Run& run, const Event& event) {
  run.task_id = event.task_id.value_or(run.task_id);
  run.agent_type = event.agent_type.value_or(run.agent_type);
  run.detail = event.detail.value_or(run.detail);
  if (event.kind != EventKind::unregister) {
    run.phase = event.phase.value_or(run.phase);
  }
  if (event.kind == EventKind::activity) {
    run.progress = event.progress.value_or(run.progress);
  }
}

void Fleet::make_fresh(Run& run, Reason reason, Transition resolved, core::Transitions& out) {
  run.stale = false;
  if (run.episode) {
    resolved.episode = *run.episode;
    resolved.reason = reason;
    say(resolved, out);
    run.episode.reset();
  }
}

void Fleet::end(const Key& key, const std::string& outcome, Instant now, core::Transitions& out) {
  const Run& run = runs_.at(key);
  ended_[label_of(run.agent_type)].add(static_cast<std::uint64_t>((now - run.started).count()));
  ++outcomes_[label_of(outcome)];
  runs_.erase(key);
  tombstones_[key] = {now, now, ++touches_};
  while (tombstones_.size() > limits_.runs_max) {
    const auto oldest = std::ranges::min_element(tombstones_, {}, [](const auto& entry) {
      return std::pair{entry.second.last_zombie, entry.second.touched};
    });
    const bool expired = now - oldest->second.last_zombie > limits_.tombstone_ms;
    counters_.tombstones_evicted_total += expired ? 0U : 1U;
    tombstones_.erase(oldest);
  }
  if (capacity_episode_ && runs_.size() * 100 < limits_.runs_max * 95) {
    Transition transition;
    transition.kind = TransitionKind::resolved;
    transition.reason = Reason::subsided;
    transition.episode = *capacity_episode_;
    transition.runs = runs_.size();
    transition.ends = TransitionKind::capacity;
    transition.of_runs = limits_.runs_max;
    say(transition, out);
    capacity_episode_.reset();
  }
}

std::optional<Instant> Fleet::due(const Run& run, Instant until) const {
  std::optional<Instant> deadline;
  if (timeout_deadline(run) < until) {
    deadline = timeout_deadline(run);
  } else if (!run.stale) {
    deadline = stale_deadline(run);
  } else if (run.episode && !limits_.stale_warning_only_once) {
    deadline = std::max(run.last_warning + limits_.check_interval_ms, stale_deadline(run));
  }
  return deadline && *deadline < until ? deadline : std::nullopt;
}

void Fleet::advance(Instant until, Instant now, core::Transitions& out) {
  std::erase_if(sources_,
                [&](const auto& entry) { return now - entry.second.heard > core::source_kept_ms; });
  std::map<std::pair<Instant, std::uint64_t>, Key> firing;
  for (const auto& [key, run] : runs_) {
    if (const auto deadline = due(run, until)) {
      firing[{*deadline, run.order}] = key;
    }
  }
  for (const auto& [when, key] : firing) {
    fire(key, until, now, out);
    note_storm(now, out);
  }
}

void Fleet::say(Transition transition, core::Transitions& out) {
  ++transitions_;
  out.push_back(std::move(transition));
}

void Fleet::note_storm(Instant now, core::Transitions& out) {
  Transition transition;
  transition.of_runs = runs_.size();
  if (!storm_) {
    std::uint64_t first = transitions_ + 1;
    for (const auto& [key, run] : runs_) {
      if (run.episode && now - run.opened_at <= Duration{5'000}) {
        ++transition.runs;
        first = std::min(first, run.opened);
      }
    }
    if (transition.runs >= 10 && transition.runs * 2 > runs_.size()) {
      storm_ = ++episodes_;
      transition.kind = TransitionKind::storm;
      transition.episode = *storm_;
      transition.since = transitions_ + 1 - first;
      say(transition, out);
    }
  } else if (runs_stale() < 10 || runs_stale() * 4 <= runs_.size()) {
    transition.kind = TransitionKind::resolved;
    transition.reason = Reason::subsided;
    transition.ends = TransitionKind::storm;
    transition.episode = *storm_;
    transition.runs = runs_stale();
    say(transition, out);
    storm_.reset();
  }
}

void Fleet::fire(const Key& key, Instant until, Instant now, core::Transitions& out) {
  Run& run = runs_.at(key);
  if (timeout_deadline(run) < until) {
    Transition timeout = describe(key, run, TransitionKind::timeout, now);
    timeout.episode = ++episodes_;
    timeout.supersedes = run.episode.value_or(0);
    if (!run.told_late) {
      timeout.deadline = std::max(timeout_deadline(run), timeout_set_at_);
    }
    say(timeout, out);
    ++counters_.runs_timed_out_total;
    end(key, "timeout", now, out);
    return;
  }
  std::optional<Instant> deadline;
  if (!run.stale) {
    deadline = run.told_late ? std::nullopt : std::optional{stale_deadline(run)};
    run.told_late = false;
    run.stale = true;
    if (run.warned && !limits_.stale_rearm) {
      return;
    }
    run.warned = true;
    run.episode = ++episodes_;
    run.opened_at = now;
    run.opened = transitions_ + 1;
  }
  run.last_warning = now;
  Transition stale = describe(key, run, TransitionKind::stale, now);
  stale.episode = *run.episode;
  stale.deadline = deadline;
  say(stale, out);
}

Transition Fleet::describe(const Key& key, const Run& run, TransitionKind kind, Instant now) const {
  Transition transition;
  transition.kind = kind;
  transition.agent_id = key.first;
  transition.run_id = key.second;
  transition.task_id = run.task_id;
  transition.agent_type = run.agent_type;
  transition.idle = now - run.last_activity;
  transition.elapsed = now - run.started;
  transition.threshold = kind == TransitionKind::timeout ? timeout_after(run) : stale_after(run);
  transition.lost_events = lost_events(run, now);
  transition.blind = blind(run);
  transition.storm = kind == TransitionKind::resolved ? 0 : storm_.value_or(0);
  return transition;
}

std::uint64_t Fleet::lost_events(const Run& run, Instant now) const {
  if (!run.mark) {
    return 0;
  }
  const auto source = sources_.find(run.mark->source);
  if (source == sources_.end() || source->second.incarnation != run.mark->incarnation ||
      now - source->second.heard > core::source_kept_ms) {
    return 0;
  }
  const Source& of = source->second;
  if (of.highest - run.mark->seq <= 64) {
    return of.unseen(std::max(run.mark->seq, of.base), of.highest);
  }
  // A late one from before the run's last event, after it, is one fewer.
  const std::uint64_t missing = of.unseen(of.base, of.highest);
  return missing - std::min(missing, run.mark->missing);
}

}  // namespace heartbeat::naive
