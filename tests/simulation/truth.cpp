#include "truth.hpp"

#include <algorithm>
#include <utility>

#include "finding.hpp"

namespace heartbeat::simulation {
namespace {

constexpr Duration earlier_run_slack{5'000};
constexpr std::uint64_t window = 64;
// The monitor may take a pause to be shorter than it was by what counts as none, and by what it
// was about to sleep; and longer by the latency of its turns.
constexpr Duration pause_missed_max{100};
constexpr Duration pause_added_max{1};
constexpr Duration actives_kept{5'000};

std::string ms(Instant instant) { return std::to_string(instant.time_since_epoch().count()); }

}  // namespace

void Truth::arrives(const SharedMessage& message, Instant at) {
  unread_[{message->agent_id, message->run_id}].emplace_back(message, at);
}

bool Truth::duplicate(const Message& message, Instant at) {
  if (message.source.empty()) {
    return false;
  }
  Source& source = sources_[message.source];
  auto& seen = source.seen;
  const std::uint64_t highest = seen.empty() ? 0 : seen.rbegin()->first;
  const bool anew = message.kind == EventKind::register_ && message.seq == 1 && highest > 1;
  if (anew || message.seq + window < highest) {
    seen.clear();
    source.began = at;
  }
  const bool after_gap = source.restored && message.seq > highest + 1;
  if (seen.empty() || after_gap) {
    source.base = message.seq;
    ++source.incarnation;
  }
  source.restored = source.restored && message.seq <= highest && !seen.empty();
  return !seen.emplace(message.seq, at).second;
}

void Truth::reads(const SharedMessage& message, Instant at, const core::Fleet& fleet) {
  const Name name{message->agent_id, message->run_id};
  auto& unread = unread_[name];
  const auto arrival =
      std::ranges::find(unread, message, [](const auto& each) { return each.first; });
  waited_ = Duration{};
  if (arrival != unread.end()) {
    waited_ = at - arrival->second;
    unread.erase(arrival);
  }
  if (!duplicate(*message, at)) {
    folds(message, at, fleet);
  }
  note_storm(at);
}

void Truth::folds(const SharedMessage& message, Instant at, const core::Fleet& fleet) {
  const Name name{message->agent_id, message->run_id};
  Run& run = runs_[name];
  const bool evicted = plan_.is_crowded() && run.state == State::ended &&
                       fleet.tombstone(name.first, name.second, Instant{}) == nullptr;
  if (run.state == State::ended &&
      (evicted || at - run.last_zombie > plan_.options.limits.tombstone_ms)) {
    run.state = State::unknown;
  }
  const Instant changed_before = std::exchange(run.changed_at, Instant::min());
  if (run.state == State::in_flight) {
    reads_in_flight(name, run, *message, at, fleet);
  } else {
    reads_other(run, *message, at);
  }
  if (run.changed_at == Instant::min()) {
    run.changed_at = changed_before;
  } else {
    run.changed_by = message->source.empty() ? nullptr : message;
  }
  run.read_at = at;
}

void Truth::note_mark(Run& run, const Message& message) {
  const auto source = sources_.find(message.source);
  run.mark = source == sources_.end()
                 ? Mark{}
                 : Mark{message.source, message.seq, source->second.incarnation};
}

void Truth::reads_in_flight(const Name& name, Run& run, const Message& message, Instant at,
                            const core::Fleet& fleet) {
  const Instant began = at - message.running_for_ms.value_or(Duration{});
  if (message.running_for_ms && message.kind != EventKind::register_ &&
      began < run.started - earlier_run_slack) {
    const core::Run* watched = fleet.find(name.first, name.second);
    require(watched != nullptr, shown(name) + " is in flight and not watched");
    const Duration late = std::chrono::seconds{watched->read_late_seconds};
    require(late + std::chrono::seconds{1} > run.waited,
            shown(name) + " began " + ms(run.started) + ", read after " +
                std::to_string(run.waited.count()) + " ms, which the monitor does not know");
    if (began < run.started - earlier_run_slack - late) {
      return;
    }
    run.started = began;
    run.changed_at = at;
    run.waited = Duration{};
  }
  before_ = fields(run, stale_after(run), at);
  switch (message.kind) {
    case EventKind::register_:
      fresh(name, run, "re-registered");
      return start(run, message, at);
    case EventKind::activity:
    case EventKind::idle:
      return sign_of_life(name, run, message, at);
    case EventKind::unregister:
      fresh(name, run, "unregistered");
      return end(run, at);
  }
}

void Truth::reads_other(Run& run, const Message& message, Instant at) {
  if (message.kind == EventKind::unregister) {
    return;
  }
  const bool registers = message.kind == EventKind::register_;
  if (run.state == State::ended) {
    const Instant began = at - message.running_for_ms.value_or(Duration{});
    if (registers ? began < run.ended_at : !message.running_for_ms || began <= run.ended_at) {
      run.last_zombie = run.changed_at = at;
      return;
    }
  }
  if (!registers && !plan_.options.limits.adopt_unknown) {
    return;
  }
  if (runs_in_flight() < plan_.options.limits.runs_max) {
    start(run, message, at);
  } else {
    note_rejected();
  }
}

void Truth::start(Run& run, const Message& message, Instant at) {
  run = Run{};
  run.state = State::in_flight;
  run.idle = message.kind == EventKind::idle;
  run.started = at - message.running_for_ms.value_or(Duration{});
  run.waited = waited_;
  active(run, at - message.idle_for_ms.value_or(Duration{}), at);
  run.promise = message.stale_after_ms;
  run.promised_at = run.promise_at = at;
  if (message.kind == EventKind::register_) {
    run.timeout_after = message.timeout_after_ms;
  }
  run.changed_at = at;
  note_mark(run, message);
}

void Truth::active(Run& run, Instant active, Instant at) {
  run.active = active;
  run.active_at = at;
  run.paused_active = Duration{};
  run.actives.emplace_back(at, active);
  while (run.actives.size() > 1 && at - run.actives[1].first > actives_kept) {
    run.actives.pop_front();
  }
}

void Truth::sign_of_life(const Name& name, Run& run, const Message& message, Instant at) {
  const bool idle = message.kind == EventKind::idle;
  note_mark(run, message);
  if (run.idle != idle || run.promise || message.stale_after_ms || run.stale) {
    run.changed_at = at;
  }
  run.idle = idle;
  if (!idle) {
    const Instant then = at - message.idle_for_ms.value_or(Duration{});
    if (then >= run.active) {
      active(run, then, at);
    }
    run.promise.reset();
    const Duration threshold = plan_.options.limits.stale_threshold_ms;
    const auto fresh_until = [&](bool surely) {
      return run.active + threshold + run.paused_active + paused(run.active_at, surely, at);
    };
    if (at <= fresh_until(true)) {
      fresh(name, run, "activity");
    } else if (at <= fresh_until(false) && run.stale && !run.episode.empty()) {
      expected_.push_back({name, run.episode, "activity", before_, false});
      run.perhaps_fresh = true;
    }
  }
  if (message.stale_after_ms) {
    run.promise = message.stale_after_ms;
    run.promised_at = run.promise_at = at;
    run.paused_promise = Duration{};
    fresh(name, run, "promise");
  }
}

void Truth::fresh(const Name& name, Run& run, const char* reason) {
  if (run.stale && !run.episode.empty()) {
    expected_.push_back({name, run.episode, reason, before_});
  }
  run.stale = run.perhaps_untold = false;
  run.episode.clear();
}

void Truth::end(Run& run, Instant at) {
  run.state = State::ended;
  run.stale = false;
  run.episode.clear();
  run.ended_at = run.last_zombie = run.changed_at = at;
  note_room();
}

Duration Truth::paused(Instant since, bool surely, Instant before) const {
  Duration sum{};
  for (const Pause& pause : pauses_) {
    if (pause.to > since && pause.from < before) {
      const Duration length = pause.to - pause.from;
      sum += surely ? std::max(length - pause_missed_max, Duration{}) : length + pause_added_max;
    }
  }
  return sum;
}

Instant Truth::repeat_due(const Run& run) const {
  return std::max(run.last_warning + plan_.options.limits.check_interval_ms, silence_to(run));
}

Duration Truth::stale_after(const Run& run) const {
  return run.promise.value_or(plan_.options.limits.stale_threshold_ms);
}

Duration Truth::timeout_after(const Run& run) const {
  return run.timeout_after.value_or(plan_.options.limits.timeout_threshold_ms);
}

bool Truth::is_late(const Run& run, Instant due, Instant at) const {
  const Instant known = std::max({due, run.read_at, reloaded_at_});
  return at > known && at > promptness_.said_by(known);
}

void Truth::says(const Alert& alert, Instant at) {
  epoch_ = alert.epoch;
  if (alert.agent_id.empty()) {
    return says_of_fleet(alert, at);
  }
  const Name name{alert.agent_id, alert.run_id};
  if (alert.kind == "resolved") {
    return says_resolved(alert);
  }
  require(alert.storm == storm_, shown(name) + ": a " + alert.kind + " is of storm '" +
                                     alert.storm + "', and '" + storm_ + "' goes on");
  Run& run = runs_[name];
  require(run.state == State::in_flight,
          shown(name) + " is not in flight, but there is a " + alert.kind);
  if (alert.kind == "stale") {
    says_stale(name, run, alert, at);
  } else {
    says_timeout(name, run, alert, at);
  }
  run.changed_at = at;
  run.changed_by = nullptr;
  note_storm(at);
}

void Truth::nothing_unread(const Name& name, const Run& run, Instant by, bool of_its_end,
                           const Alert& alert) const {
  const auto unread = unread_.find(name);
  if (unread == unread_.end() || alert.overloaded) {
    return;
  }
  for (const auto& [message, arrived] : unread->second) {
    const bool tells = message->kind == EventKind::register_ ||
                       message->kind == (of_its_end ? EventKind::unregister : EventKind::activity);
    const auto source = sources_.find(message->source);
    const bool is_new = source == sources_.end() || !source->second.seen.contains(message->seq);
    const bool of_this_run =
        !message->running_for_ms || arrived - *message->running_for_ms >= run.started;
    require(arrived > by || !tells || !is_new || !of_this_run || message->idle_for_ms,
            shown(name) + ": " + alert.kind + ", due at " + ms(by) + ", but " + message->shown() +
                " had arrived at " + ms(arrived) + " and was not read");
  }
}

void Truth::says_stale(const Name& name, Run& run, const Alert& alert, Instant at) {
  const core::Limits& limits = plan_.options.limits;
  check_fields(alert, fields(run, stale_after(run), at));
  const Instant due = silence_from(run, at);
  require(due < at, shown(name) + " is called stale before " + ms(due));
  if (run.stale) {
    require(!limits.stale_warning_only_once, shown(name) + " is warned of twice");
    require(alert.id == run.episode,
            shown(name) + ": a repeat of " + alert.id + ", but " + run.episode + " is open");
    require(at > run.last_warning + limits.check_interval_ms,
            shown(name) + ": a repeat too early, after " + ms(run.last_warning));
    require(!is_late(run, repeat_due(run), at),
            shown(name) + ": a repeat is late, due at " + ms(repeat_due(run)));
  } else {
    require(limits.stale_rearm || !run.warned,
            shown(name) + " is warned of again in one registration");
    nothing_unread(name, run, due, false, alert);
    run.stale_since = at;
    run.opened_by = {alert.epoch, alert.seq};
    require(!is_late(run, silence_to(run), at),
            shown(name) + " is called stale late, due at " + ms(silence_to(run)));
  }
  run.stale = run.warned = true;
  run.episode = alert.id;
  run.last_warning = at;
}

void Truth::says_timeout(const Name& name, Run& run, const Alert& alert, Instant at) {
  check_fields(alert, fields(run, timeout_after(run), at));
  const Instant due = run.started + timeout_after(run);
  require(due < at, shown(name) + " is called too long before " + ms(due));
  require(alert.supersedes == run.episode, shown(name) + ": a timeout supersedes '" +
                                               alert.supersedes + "', but '" + run.episode +
                                               "' is open");
  nothing_unread(name, run, due, true, alert);
  require(!is_late(run, due, at), shown(name) + " is timed out late, due at " + ms(due));
  end(run, at);
}

void Truth::says_resolved(const Alert& alert) {
  const auto passed_over = [&](const Expected& front) {
    return !front.surely && (front.id != alert.id || front.reason != alert.reason);
  };
  while (!expected_.empty() && passed_over(expected_.front())) {
    expected_.pop_front();
  }
  require(!expected_.empty(), alert.id + " is resolved for no reason");
  const Expected expected = std::move(expected_.front());
  expected_.pop_front();
  require(alert.id == expected.id && alert.reason == expected.reason,
          alert.id + " is resolved by " + alert.reason + ", but it ought to be " + expected.id +
              " by " + expected.reason);
  check_fields(alert, expected.fields);
  Run& run = runs_[expected.run];
  if (!expected.surely && run.episode == expected.id) {
    run.stale = false;
    run.episode.clear();
  }
  // What would have resolved it later, had this not.
  std::erase_if(expected_, [&](const Expected& later) { return later.id == expected.id; });
}

void Truth::turn_over(Instant at) {
  for (const Expected& expected : expected_) {
    require(!expected.surely, expected.id + " is not resolved by " + expected.reason);
  }
  expected_.clear();
  fleet_turn_over(at);
  for (auto& [name, run] : runs_) {
    run.perhaps_fresh = false;
    if (run.state != State::in_flight) {
      continue;
    }
    run.perhaps_untold = perhaps_untold(run, at);
    const Instant timeout = run.started + timeout_after(run);
    require(!is_late(run, timeout, at),
            shown(name) + ": no timeout, although due at " + ms(timeout));
    const Instant silence = silence_to(run);
    const bool warns = !run.stale && (plan_.options.limits.stale_rearm || !run.warned);
    require(!warns || !is_late(run, silence, at) || at > timeout,
            shown(name) + ": no warning, although due at " + ms(silence));
    const bool repeats = !run.episode.empty() && !plan_.options.limits.stale_warning_only_once;
    require(!repeats || !is_late(run, repeat_due(run), at) || at > timeout,
            shown(name) + ": no repeat, although due at " + ms(repeat_due(run)));
  }
}

std::size_t Truth::runs_in_flight() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      runs_, [](const auto& each) { return each.second.state == State::in_flight; }));
}

void Truth::compare(const core::Fleet& fleet) const {
  for (const auto& [name, run] : runs_) {
    const core::Run* there = fleet.find(name.first, name.second);
    require((there != nullptr) == (run.state == State::in_flight),
            shown(name) + (there != nullptr ? " is in flight, and ought not to be"
                                            : " is not in flight, and ought to be"));
    const bool certain = plan_.options.limits.stale_rearm || !run.warned;
    require(there == nullptr || !certain || there->stale == run.stale,
            shown(name) + (run.stale ? " ought to be stale" : " ought not to be stale"));
  }
  require(fleet.runs_in_flight() == runs_in_flight(), std::to_string(fleet.runs_in_flight()) +
                                                          " runs are in flight, not " +
                                                          std::to_string(runs_in_flight()));
}

}  // namespace heartbeat::simulation
