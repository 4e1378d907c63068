// What a restart must leave as it was, and what the successor goes on with.
#include <algorithm>

#include "finding.hpp"
#include "truth.hpp"

namespace heartbeat::simulation {
namespace {

constexpr int graces_apart = 10;
constexpr Duration forever{INT64_MAX / 4};
constexpr Duration sources_kept{3'500'000};  // in silence, nearly

bool near(Instant one, Instant other) { return one - other <= rounding && other - one <= rounding; }

}  // namespace

// Across boots what is past moves as ages do.
void Truth::note_downtime(std::vector<Pause>& downtimes, Duration down, const Restart& restart) {
  for (Pause& each : downtimes) {
    each.from -= restart.older;
    each.to -= restart.older;
  }
  const Pause last{restart.started - down, restart.started};
  // What begins within the last one was not written.
  std::erase_if(downtimes, [&](const Pause& each) { return each.from >= last.from; });
  downtimes.push_back(last);
}

void Truth::restarts(const Restart& restart, const daemon::Watch& watch) {
  started_ = restart.started;
  promptness_.starts(restart.started);
  older_ += restart.older;
  unread_.clear();
  expected_.clear();
  expected_of_fleet_.clear();
  reload_.reset();
  grace_from_ = grace_to_ = Instant{};
  if (!restart.remembers) {
    pauses_.clear();
    storm_.clear();
    capacity_.clear();
    in_storm_ = is_full_ = false;
    runs_.clear();
    sources_.clear();
    downtimes_.clear();
    downtimes_perhaps_.clear();
    return;
  }
  const Duration grace = plan_.options.restart_grace_ms;
  const bool graced = std::ranges::all_of(starts_, [&](WallTime at) {
    return restart.wall - at >= graces_apart * grace || restart.wall < at;
  });
  grace_to_ = restart.started + grace;
  if (graced) {
    grace_from_ = grace_to_;
  }
  starts_.push_back(restart.wall);
  // Those that it may not have noticed, or not have written.
  std::erase_if(pauses_, [&](const Pause& pause) { return pause.to > restart.kept_to; });
  // Across boots the wall clock has to do, and that may have jumped.
  const Duration down = restart.started - restart.died;
  note_downtime(downtimes_, std::min(down, restart.down), restart);
  note_downtime(downtimes_perhaps_, std::max(down, restart.down), restart);
  const core::Fleet& fleet = watch.fleet();
  const Duration ahead = restart.started - watch.health().started;
  Sources known = known_sources(watch, restart);
  for (auto& [name, run] : runs_) {
    const core::Run* now = fleet.find(name.first, name.second);
    const core::Run* ended = fleet.tombstone(name.first, name.second, Instant{});
    run.waited = Duration{};  // a restart forgets that
    if (run.changed_at <= restart.kept_to || is_told(run, known, restart)) {
      check_kept(name, run, now, ended, ahead, restart, fleet);
    }
    if (now != nullptr) {
      take_over(run, *now, ahead, watch, restart.started);
    } else if (ended != nullptr) {
      run = Run{};
      run.state = State::ended;
      run.ended_at = ended->rare().ended_at + ahead;
      run.last_zombie = ended->rare().last_zombie + ahead;
    } else {
      run = Run{};
    }
    run.changed_at = restart.kept_to;
  }
  pauses_.clear();
  require(fleet.runs_in_flight() == runs_in_flight(), "a restart made runs up");
  take_over_sources(std::move(known), restart);
  take_over_fleet(watch, restart);
}

bool Truth::is_told(const Run& run, const Sources& known, const Restart& restart) const {
  if (run.changed_by == nullptr) {
    return false;
  }
  const std::string& name = run.changed_by->source;
  const auto before = sources_.find(name);
  const auto source = known.find(name);
  // What is known of one that was forgotten may be from before that: a later power cut, and a clock
  // that is set back, bring it back.
  return before != sources_.end() && !forgotten_.contains(name) &&
         before->second.began <= restart.sources_kept_to && source != known.end() &&
         source->second.seen.contains(run.changed_by->seq);
}

void Truth::check_kept(const Name& name, const Run& run, const core::Run* now,
                       const core::Run* ended, Duration ahead, const Restart& restart,
                       const core::Fleet& fleet) const {
  const std::string of = shown(name) + ": after a restart ";
  if (run.state != State::in_flight) {
    require(now == nullptr, of + "it is in flight, and was not");
    const bool remembered =
        run.state == State::ended && !plan_.is_crowded() &&
        restart.started - run.last_zombie + restart.older <= plan_.options.limits.tombstone_ms;
    require(ended != nullptr || !remembered, of + "it is not known to have ended");
    require(ended == nullptr || run.state == State::unknown ||
                near(ended->rare().ended_at + ahead, run.ended_at - restart.older),
            of + "it ended at another time");
    return;
  }
  require(now != nullptr, of + "it is not in flight, and was");
  require(near(now->started + ahead, run.started - restart.older), of + "its age is wrong");
  require(now->rare().promise == run.promise.value_or(Duration{}), of + "its promise is wrong");
  require(!run.promise || near(now->rare().promised_at + ahead, run.promised_at - restart.older),
          of + "its promise is of another time");
  require(now->rare().timeout_after == run.timeout_after.value_or(Duration{}),
          of + "its limit is wrong");
  require(now->stale == run.stale || (run.warned && !plan_.options.limits.stale_rearm),
          of + (run.stale ? "it is not stale" : "it is stale"));
  const auto kept = std::find_if(run.actives.rbegin(), run.actives.rend(),
                                 [&](const auto& each) { return each.first <= restart.kept_to; });
  const Instant at_least = kept == run.actives.rend() ? Instant{} - forever : kept->second;
  const Instant active = now->last_activity + ahead;
  require(active >= at_least - restart.older - rounding &&
              active <= run.active - restart.older + rounding,
          of + "its last activity is wrong");
  if (run.active_at <= restart.kept_to && kept != run.actives.rend()) {
    const Duration shift = fleet.numbers().paused - now->paused_before_activity;
    const Duration least = run.paused_active + paused(run.active_at, true);
    require(shift >= least, of + "the pauses since its last activity are forgotten: " +
                                std::to_string(shift.count()) + " ms of " +
                                std::to_string(least.count()));
  }
}

void Truth::take_over(Run& run, const core::Run& from, Duration ahead, const daemon::Watch& watch,
                      Instant at) {
  const bool warned = from.warned;
  run = Run{};
  run.state = State::in_flight;
  run.idle = from.state == core::RunState::idle;
  run.stale = from.stale;
  run.warned = warned;
  run.episode = watch.alerts().episode_id(from.rare().episode);
  run.last_warning = from.rare().last_warning + ahead;
  run.stale_since = from.rare().stale_since + ahead;
  run.started = from.started + ahead;
  active(run, from.last_activity + ahead, at);
  const Duration paused_in_all = watch.fleet().numbers().paused;
  run.paused_active = paused_in_all - from.paused_before_activity;
  if (from.rare().promise != Duration{}) {
    run.promise = from.rare().promise;
  }
  run.promised_at = from.rare().promised_at + ahead;
  run.promise_at = at;
  run.paused_promise = paused_in_all - from.rare().paused_before_promise;
  if (from.rare().timeout_after != Duration{}) {
    run.timeout_after = from.rare().timeout_after;
  }
  const core::Fleet& fleet = watch.fleet();
  const std::string source(fleet.source_name(from, watch.health().started));
  if (!source.empty()) {
    run.mark = {source, from.source.seq, 0};
  }
}

Truth::Sources Truth::known_sources(const daemon::Watch& watch, const Restart& restart) {
  const core::Fleet& fleet = watch.fleet();
  Sources known;
  std::size_t left = fleet.sources();
  for (core::Slot slot = 0; left > 0; ++slot) {
    const core::Source* source = fleet.source_at(slot);
    if (source == nullptr) {
      continue;
    }
    --left;
    if (watch.health().started - source->heard > sources_kept) {
      sources_.erase(source->name);  // it is forgotten at its next event
      forgotten_.insert(source->name);
      continue;
    }
    auto& [seen, began, incarnation, base, restored] = known[source->name];
    base = source->base;
    restored = true;
    seen[source->highest] = restart.kept_to;
    for (std::uint64_t behind = 1; behind <= 64 && behind < source->highest; ++behind) {
      if ((source->window >> (behind - 1) & 1) != 0) {
        seen[source->highest - behind] = restart.kept_to;
      }
    }
  }
  return known;
}

void Truth::take_over_sources(Sources&& known, const Restart& restart) {
  for (const auto& [name, source] : sources_) {
    if (older_ > sources_kept) {
      break;
    }
    for (const auto& [seq, at] : source.seen) {
      const auto& seen = known[name].seen;
      const bool in_window = !seen.empty() && seq + 64 >= seen.rbegin()->first;
      require(at > restart.sources_kept_to || (!seen.empty() && !in_window) || seen.contains(seq),
              name + "#" + std::to_string(seq) + " was read, and is not known after a restart");
    }
  }
  sources_ = std::move(known);
}

}  // namespace heartbeat::simulation
