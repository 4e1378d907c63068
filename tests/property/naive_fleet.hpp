// The fleet as PROTOCOL.md words it, obviously right rather than fast: maps, and every advance
// looks at every run. The real fleet must make the same transitions and counters, call for call.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "core/counters.hpp"
#include "core/limits.hpp"
#include "core/run_types.hpp"
#include "core/transition.hpp"
#include "heartbeat/event.hpp"

namespace heartbeat::naive {

struct Source {
  std::uint64_t incarnation = 0;
  std::uint64_t highest = 0;
  std::set<std::uint64_t> seen;
  std::uint64_t base = 0;  // the first
  Instant heard;

  std::uint64_t unseen(std::uint64_t above, std::uint64_t up_to) const;
};

// The source of a run's last event, and how many before that event were missing by then.
struct Mark {
  std::string source;
  std::uint64_t incarnation = 0;
  std::uint64_t seq = 0;
  std::uint64_t missing = 0;
};

struct Run {
  std::string task_id;
  std::string agent_type;
  std::string phase;
  std::string detail;
  std::uint64_t progress = 0;
  bool adopted = false;
  std::map<EventKind, Instant> last_event;
  std::optional<WallTime> sent_at;
  std::uint32_t rejected_events = 0;
  std::uint32_t zombie_events = 0;
  bool idle = false;
  bool stale = false;
  bool warned = false;
  bool told_late = false;
  Instant started;
  Instant last_activity;
  Duration paused_before_activity{};
  Duration paused_before_promise{};
  std::optional<Duration> promise;
  Instant promised_at;
  std::optional<Duration> timeout_after;
  std::optional<std::uint64_t> episode;
  Instant opened_at;
  std::uint64_t opened = 0;
  Instant last_warning;
  std::uint64_t order = 0;
  std::optional<Mark> mark;
};

struct Tombstone {
  Instant ended;
  Instant last_zombie;
  std::uint64_t touched = 0;  // decides between equal instants
};

class Fleet {
 public:
  explicit Fleet(const core::Limits& limits) : limits_(limits) {}

  void fold(std::span<const Event> events, Instant now, core::Transitions& out);
  void advance(Instant until, Instant now, core::Transitions& out);
  void set_limits(const core::Limits& limits, Instant now, Duration grace) {
    if (limits.stale_threshold_ms != limits_.stale_threshold_ms) {
      const Instant graced_to = limits_set_at_ + grace_ + (paused_ - paused_when_set_);
      const bool graced = now <= graced_to;
      threshold_before_ = graced ? std::max(threshold_before_, limits_.stale_threshold_ms)
                                 : limits_.stale_threshold_ms;
      limits_set_at_ = now;
      grace_ = std::max(grace, graced_to - now);
      paused_when_set_ = paused_;
    }
    timeout_set_at_ =
        limits.timeout_threshold_ms != limits_.timeout_threshold_ms ? now : timeout_set_at_;
    limits_ = limits;
  }
  void paused(Duration pause) { paused_ += pause; }

  const core::Counters& counters() const { return counters_; }
  std::size_t runs_in_flight() const { return runs_.size(); }
  std::size_t runs_idle() const;
  std::size_t runs_stale() const;
  // By the labels of types and outcomes.
  std::map<std::string, core::RunTypes::Counts> types() const;
  const std::map<std::string, std::uint64_t>& outcomes() const { return outcomes_; }
  // Those whose time has not passed.
  std::size_t tombstones(Instant now) const;
  // The runs in flight by agent_id and run_id.
  using Key = std::pair<std::string, std::string>;
  const std::map<Key, Run>& runs() const { return runs_; }
  std::uint64_t lost_events(const Run& run, Instant now) const;

 private:
  struct Observed {
    bool duplicate = false;
    std::optional<Mark> mark;
  };

  Observed observe(const Event& event, Instant now);
  void fold_one(const Event& event, Instant now, core::Transitions& out);
  // False: no room, the event is rejected.
  bool start(const Key& key, const Event& event, Instant now, core::Transitions& out);
  void fold_in_flight(const Key& key, const Event& event, Instant now, core::Transitions& out);
  void apply_texts(Run& run, const Event& event);
  void say(core::Transition transition, core::Transitions& out);
  void note_storm(Instant now, core::Transitions& out);
  void make_fresh(Run& run, core::Reason reason, core::Transition resolved, core::Transitions& out);
  void end(const Key& key, const std::string& outcome, Instant now, core::Transitions& out);
  void reject(Rejection reason) {
    ++counters_.events_rejected_total[static_cast<std::size_t>(reason)];
  }

  Duration stale_after(const Run& run) const {
    return run.promise.value_or(limits_.stale_threshold_ms);
  }
  Duration timeout_after(const Run& run) const {
    return run.timeout_after.value_or(limits_.timeout_threshold_ms);
  }
  Instant stale_deadline(const Run& run) const {
    if (run.promise) {
      return run.promised_at + *run.promise + (paused_ - run.paused_before_promise);
    }
    // Only pauses after the event that told of it excuse a silence.
    const Instant heard =
        run.last_activity + std::max(paused_when_set_ - run.paused_before_activity, Duration{0});
    const bool graced = heard + limits_.stale_threshold_ms < limits_set_at_ &&
                        heard + threshold_before_ >= limits_set_at_;
    return graced ? limits_set_at_ + grace_ + (paused_ - paused_when_set_)
                  : run.last_activity + blind(run) + limits_.stale_threshold_ms;
  }
  Duration blind(const Run& run) const { return paused_ - run.paused_before_activity; }
  Instant timeout_deadline(const Run& run) const { return run.started + timeout_after(run); }
  // The deadline of this run that has passed, if any.
  std::optional<Instant> due(const Run& run, Instant until) const;
  void fire(const Key& key, Instant until, Instant now, core::Transitions& out);
  core::Transition describe(const Key& key, const Run& run, core::TransitionKind kind,
                            Instant now) const;

  core::Limits limits_;
  core::Counters counters_;
  std::map<Key, Run> runs_;
  std::map<Key, Tombstone> tombstones_;
  std::map<std::string, core::RunDurations> ended_;  // by type
  std::map<std::string, std::uint64_t> outcomes_;
  std::map<std::string, Source> sources_;
  std::optional<std::uint64_t> capacity_episode_;
  std::optional<std::uint64_t> storm_;
  std::uint64_t transitions_ = 0;
  Duration paused_{};
  Instant limits_set_at_;
  Duration threshold_before_{};
  Duration grace_{};
  Instant timeout_set_at_;
  Duration paused_when_set_{};
  std::uint64_t episodes_ = 0;
  std::uint64_t registrations_ = 0;
  std::uint64_t touches_ = 0;
  std::uint64_t incarnations_ = 0;
};

}  // namespace heartbeat::naive
