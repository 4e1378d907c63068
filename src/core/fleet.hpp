// All runs and what time does to them: a pure function of events and instants. No clock, no I/O;
// the same calls give the same transitions, bit for bit.
//
// An activity writes the run's record and leaves the deadline queue alone: the queue's entry may be
// earlier than the run's true deadline, is looked at when it comes due, and is put back if the run
// was active since. Only a deadline that moves earlier moves its entry at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/changed_slots.hpp"
#include "core/counters.hpp"
#include "core/deadlines.hpp"
#include "core/limits.hpp"
#include "core/run.hpp"
#include "core/run_types.hpp"
#include "core/slab.hpp"
#include "core/slot_index.hpp"
#include "core/slot_list.hpp"
#include "core/sources.hpp"
#include "core/transition.hpp"
#include "heartbeat/event.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::core {

// The numbers that go on over a restart.
struct Numbers {
  std::uint64_t episodes = 0;
  std::uint64_t registrations = 0;
  std::uint64_t transitions = 0;
  std::uint64_t capacity_episode = 0;
  std::uint64_t storm = 0;
  std::uint32_t source_incarnations = 0;
  Duration paused{};  // in all: what a run's paused_before_… refer to
  bool operator==(const Numbers&) const = default;
};

class Fleet {
 public:
  explicit Fleet(const Limits& limits);

  // Folds events read at `now`, in order. REQUIRES: `now` never decreases, here and in advance().
  void fold(std::span<const Event> events, Instant now, Transitions& out);

  // What is folded from here on was sent after this instant: all before it was read. Unless told,
  // the fleet takes everything for read as soon as it was sent.
  void read_to(Instant instant) { read_to_ = instant; }

  // At `now`, fires every deadline before `until`, oldest first. `until` lies behind `now` where
  // the input does: what arrived later may not have been read. Looks at no more than `limit` queue
  // entries and `limit` expired tombstones; call again while next_deadline() is before `until`.
  // REQUIRES: `until` <= `now`.
  void advance(Instant until, Instant now, std::size_t limit, Transitions& out);

  // The monitor itself did not run for `pause`, and heard nobody: deadlines of silence move by it,
  // those of whole runs do not. O(1).
  void paused(Duration pause) { paused_ += pause; }

  // No deadline fires before this instant; it may be earlier than the first that does.
  std::optional<Instant> next_deadline() const;

  const Limits& limits() const { return limits_; }
  // New limits hold from now on. Deadlines that they move earlier are found by requeue(). Those of
  // silence that they would move into the past fire at `now` + `grace`; a grace that goes on is not
  // cut short by the next ones.
  void set_limits(const Limits& limits, Instant now, Duration grace);
  // After set_limits(): looks at up to `limit` runs; true while there are more to look at.
  bool requeue(std::size_t limit);

  std::size_t runs_in_flight() const { return deadlines_.size(); }
  std::size_t runs_idle() const { return idle_; }
  std::size_t runs_stale() const { return stale_.size(); }
  bool in_storm() const { return storm_ != 0; }
  // Whether its silence is part of that. After a restart only those that fell silent since then.
  bool in_storm(const Run& run) const {
    return storm_ != 0 && run.rare().episode != 0 &&
           (run.rare().episode > storm_ || run.rare().opened >= storm_opened_);
  }
  std::uint64_t storm() const { return storm_; }  // the episode; 0 = none
  std::size_t tombstones() const { return tombstones_.size(); }
  std::size_t sources() const { return sources_.size(); }
  const Counters& counters() const { return counters_; }
  const RunTypes& types() const { return types_; }
  const Outcomes& outcomes() const { return outcomes_; }

  // Called with a run in flight; false stops the walk. The run must not be kept.
  using Visit = std::function<bool(const Run&)>;

  // Visits runs in flight from place `from` (0 = the first), looking at no more than `look_max`
  // records. Returns the place to go on from, or nullopt at the end. A run keeps its place while it
  // is in flight, so whoever follows the places sees it exactly once. Visit's false stops after
  // that run; the place returned is the one behind it.
  std::optional<Slot> scan(Slot from, std::size_t look_max, const Visit& visit) const;
  // Visits the `count` runs in flight that need attention most, until `visit` returns false: first
  // the stale ones, the longest stale before the others, then those with the nearest deadlines.
  // The queue knows only since when a deadline may be due, so that more runs are looked at than
  // visited: at most `look_max`. Only where that is less than the fleet may a near one be missed.
  void urgent_first(std::size_t count, std::size_t look_max, const Visit& visit) const;
  // Visits the runs in flight of one agent.
  void runs_of(std::string_view agent_id, const Visit& visit) const;
  // The run in flight, or nullptr.
  const Run* find(std::string_view agent_id, std::string_view run_id) const;
  // The tombstone of that run; without run_id the latest of that agent; or nullptr.
  const Run* tombstone(std::string_view agent_id, std::optional<std::string_view> run_id,
                       Instant now) const;

  // Exceeding this instant makes the run stale, or ends it.
  Instant stale_deadline(const Run& run) const;
  // Why it may be later than the limit, a promise or pauses make it.
  enum class Grace : std::uint8_t { none, restart, reload };
  Grace grace(const Run& run) const { return silence_deadline(run).grace; }
  Instant timeout_deadline(const Run& run) const;
  // The silence limit now in force: the open promise's or the configured one.
  Duration stale_after(const Run& run) const;
  Duration timeout_after(const Run& run) const;
  // How long of the run's silence up to `now` the monitor itself was paused or down.
  Duration blind(const Run& run, Instant now) const;
  // Events of the run's source that went missing after the run's last event.
  std::uint64_t lost_events(const Run& run, Instant now) const;
  // The source of the run's last event; "" if it had none or was forgotten.
  std::string_view source_name(const Run& run, Instant now) const;

  struct SourceCounts {
    std::uint64_t seq = 0;  // the highest that was read
    std::uint64_t rejected = 0;
    std::optional<Rejection> rejected_last;  // the reason of the last, as far as it is known
  };
  SourceCounts source(std::string_view name) const;

  // For whoever keeps the fleet in a file. Runs and sources by their places; blocks of run_block
  // neighbouring runs whose last activities moved on, by number. Of a run, `progress`, the times of
  // its last events and what it counts are not reason enough.
  static constexpr Slot run_block = 1'024;
  void track_changes();
  ChangedSlots& changed_runs() { return changed_runs_; }
  ChangedSlots& changed_blocks() { return changed_blocks_; }
  ChangedSlots& changed_sources() { return sources_.changed(); }
  // RunState::unknown: there is none. The last places, too, may have been given back.
  const Run& run_at(Slot slot) const { return runs_[slot]; }
  Slot runs_end() const { return runs_.end(); }
  // nullptr: there is none.
  const Source* source_at(Slot slot) const { return sources_.at(slot); }
  Numbers numbers() const;
  // Episodes are numbered from here on.
  void number_episodes_from(std::uint64_t first) { episodes_ = first; }

  // As a fleet was: before anything else, each run and source at its place, then resume(). Of two
  // runs of one name the earlier was forgotten: a file may be told of that last.
  void restore(Slot slot, Run&& run);
  void restore(Slot slot, const Source& source) { sources_.restore(slot, source); }
  // A time in which nobody watched.
  struct Downtime {
    Instant from;
    Instant until;
  };
  // `downtimes`: none overlaps another. Deadlines of silence are not before `grace_until`.
  void resume(const Numbers& numbers, Instant now, std::vector<Downtime> downtimes,
              Instant grace_until);

 private:
  struct Deadline {
    Instant at;
    Grace grace;
  };
  // Where an event's run and source most likely are, by their hashes alone.
  struct Places {
    std::uint64_t run_hash;
    std::uint64_t source_hash;
    Slot run;
    Slot source;
  };
  // These ask for memory that fold_one() will need, one after the other.
  Places prefetch_entries(const Event& event) const;
  void prefetch_records(Places& places) const;
  void prefetch_texts(const Places& places) const;
  void fold_one(const Event& event, const Places& places, Instant now, Transitions& out);
  // Both return the run in flight that the event concerned, or no_slot.
  Slot fold_in_flight(Slot slot, const Event& event, Instant now, Transitions& out);
  Slot fold_not_in_flight(Slot slot, const Event& event, std::uint64_t hash,
                          const Sequence& sequence, Instant now, Transitions& out);
  void start(Slot slot, const Event& event, Instant now);
  void apply_sign_of_life(Slot slot, const Event& event, Instant now, Transitions& out);
  // Returns whether it changed any.
  bool apply_texts(Run& run, const Event& event);
  bool is_of_earlier_run(Slot slot, const Event& event, Instant now);
  void make_fresh(Slot slot, Reason reason, const std::optional<Transition>& before,
                  Transitions& out);
  void end(Slot slot, EndedBy by, Instant now, Transitions& out);
  void zombie(Slot slot, Instant now);
  void set_state(Run& run, RunState state);
  // Counts the run under the type that its text now names. REQUIRES: in flight.
  void follow_type(Run& run);
  void note_capacity(Transitions& out);
  void note_room(Transitions& out);
  void note_storm(Instant now, Transitions& out) {
    if (storm_ != 0 || stale_.size() >= storm_runs_min) {
      note_storm_among_many(now, out);
    }
  }
  void note_storm_among_many(Instant now, Transitions& out);
  // Every transition goes through here.
  void say(Transition&& transition, Transitions& out);
  void join_stale(Slot slot, Instant now);
  void leave_stale(Slot slot);
  bool counts_as_silent(const Run& run) const;
  Transition describe(Slot slot, TransitionKind kind, Instant now) const;
  // What make_fresh() completes; nothing where the run is not stale.
  std::optional<Transition> before_fresh(Slot slot, Instant now) const;
  void pass_to(Instant now);

  void warn(Slot slot, Instant now, Transitions& out);
  void time_out(Slot slot, Instant now, Transitions& out);
  // Without any grace, were the monitor's pauses `paused` in all.
  Deadline silence_deadline(const Run& run) const;
  static Instant silence_exceeded_at(const Run& run, Duration threshold, Duration paused);
  Instant next_due(const Run& run) const;
  void queue(Slot slot, Instant due);
  void queue_if_earlier(Slot slot);

  Slot find_record(std::string_view agent_id, std::string_view run_id, std::uint64_t hash) const;
  Slot find_record(const Event& event, const Places& places) const;
  Slot add_record(const Event& event, std::uint64_t hash);
  void forget(Slot slot);
  bool expired(const Run& run, Instant now) const;
  void expire_tombstones(Instant now, std::size_t limit);
  void link_agent(Slot slot);
  void unlink_agent(Slot slot);
  Slot agent_head(std::string_view agent_id) const;
  std::vector<DeadlineQueue::Entry> nearest(std::size_t count, std::size_t look_max) const;

  Limits limits_;
  Instant now_;
  std::optional<Instant> read_to_;
  Counters counters_;
  RunTypes types_;
  Outcomes outcomes_;
  Slab<Run> runs_;
  SlotIndex by_run_;
  SlotIndex by_agent_;  // the first of each agent's ring
  DeadlineQueue deadlines_;
  Sources sources_;
  SlotList stale_;       // by when they became it
  SlotList tombstones_;  // by last_zombie
  std::size_t idle_ = 0;
  std::uint64_t episodes_ = 0;
  std::uint64_t registrations_ = 0;
  std::uint64_t transitions_ = 0;
  std::uint64_t capacity_episode_ = 0;
  std::uint64_t storm_ = 0;                  // the episode; 0 = none
  std::uint64_t storm_opened_ = UINT64_MAX;  // which transition was the first that belongs to it
  Slot silent_from_ = no_slot;   // the first in stale_ that counts as fallen silent just now …
  std::size_t silent_ = 0;       // … of so many, up to the newest
  Duration paused_{};            // in all
  Slot requeue_from_ = no_slot;  // no_slot: nothing to requeue
  ChangedSlots changed_runs_;
  ChangedSlots changed_blocks_;
  std::vector<Downtime> downtimes_;
  Instant grace_until_;
  Duration paused_when_resumed_{};
  Instant limits_set_at_;
  Duration paused_when_set_{};
  Duration stale_threshold_before_{};
  Duration reload_grace_{};
  Instant timeout_set_at_;  // deadlines that it moved before this were not exceeded earlier
};

}  // namespace heartbeat::core
