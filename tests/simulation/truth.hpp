// What the monitor ought to know and say, run by run, by PROTOCOL.md and by what really happened:
// what was sent and arrived, when the monitor stood still, what its disk kept. Verdicts are held
// against it as they are made.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/watch.hpp"
#include "disk.hpp"
#include "message.hpp"
#include "plan.hpp"
#include "promptness.hpp"
#include "run_name.hpp"

namespace heartbeat::simulation {

// An age that is kept in whole milliseconds.
inline constexpr Duration rounding{1};

class Truth {
 public:
  explicit Truth(const Plan& plan) : plan_(plan) {}

  // Instants are the world's. `at`: when the monitor read its clock in the turn.
  void arrives(const SharedMessage& message, Instant at);
  // Before the monitor folds it.
  void reads(const SharedMessage& message, Instant at, const core::Fleet& fleet);
  // A verdict of that turn. Throws Finding.
  void says(const Alert& alert, Instant at);
  // After all verdicts of a turn: none is missing. Throws Finding.
  void turn_over(Instant at);
  void stops(Instant from, Instant to) {
    pauses_.push_back({from, to});
    promptness_.stops(from, to);
  }
  // The plan's limits are new, and silence was limited by `threshold_before`.
  void reloads(Duration threshold_before, Instant at);
  void lags(Instant from, Duration lag) { promptness_.lags(from, lag); }
  void leaves_unread(Instant at) { promptness_.leaves_unread(at); }

  // The monitor died at `died`, and its successor has just started. What was read up to `kept_to`
  // must be known to it, or of sources up to `sources_kept_to`; what came after may be. `older`: by
  // how much more than they are its ages may be given, or less. Throws Finding.
  struct Restart {
    Instant died;
    Instant started;
    Duration down{};  // by the clocks, from the last batch on
    Instant kept_to;
    Instant sources_kept_to;
    Duration older{};
    bool new_boot = false;
    bool remembers = true;  // false: it has no state file, or that was empty
    WallTime wall;
  };
  void restarts(const Restart& restart, const daemon::Watch& watch);
  // What the fleet holds is what it ought to hold. Throws Finding.
  void compare(const core::Fleet& fleet) const;

  std::size_t runs_in_flight() const;

 private:
  using Name = RunName;
  enum class State { unknown, in_flight, ended };
  // The last event of a run, among those of its source.
  struct Mark {
    std::string source;  // "" = none
    std::uint64_t seq = 0;
    int incarnation = 0;
  };
  struct Run {
    State state = State::unknown;
    bool idle = false;
    bool stale = false;
    bool warned = false;
    bool perhaps_untold = false;  // stale, and nobody was told; larger limits do not change that
    std::string episode;          // "" = none open
    Instant stale_since;
    std::pair<std::string, std::uint64_t> opened_by;  // epoch and seq of its first warning
    bool perhaps_fresh = false;                       // by an event of this turn
    Instant last_warning;
    Instant started;
    Duration waited{};         // so long lay unread what it began with
    Instant active;            // as the monitor knows it …
    Instant active_at;         // … since it read that
    Duration paused_active{};  // pauses after that and before `active_at`, as a successor took over
    std::deque<std::pair<Instant, Instant>> actives;  // the last seconds' `active_at` and `active`
    std::optional<Duration> promise;
    Instant promised_at;  // when it was made
    Instant promise_at;   // since when the monitor knows it
    Duration paused_promise{};
    std::optional<Duration> timeout_after;
    Instant ended_at;
    Instant last_zombie;
    Instant changed_at;        // other than by activity
    SharedMessage changed_by;  // nullptr: by no message of a source
    Instant read_at;           // anything of it
    Mark mark;
  };
  struct Pause {
    Instant from;
    Instant to;
  };
  // Who was within the limit before, surely or perhaps, and is not by the new one, has a grace.
  struct Reload {
    Instant at;
    Duration threshold_before_min{};
    Duration threshold_before_max{};
    Duration grace{};
  };
  struct Source {
    std::map<std::uint64_t, Instant> seen;  // by seq
    Instant began;                          // anew
    int incarnation = 0;                    // which beginning that was
    std::uint64_t base = 0;                 // what was before it is not missed
    bool restored = false;                  // nothing was heard of it since the monitor's start
  };
  using Sources = std::map<std::string, Source>;
  // What an alert has to say besides its verdict; where that depends on how the monitor measures
  // its own pauses and on what it can know, between two values.
  struct Fields {
    Duration idle{};
    Duration elapsed{};
    Duration threshold{};
    Duration blind_min{};
    Duration blind_max{};
    std::uint64_t lost_min = 0;
    std::uint64_t lost_max = 0;
  };
  struct Expected {
    Name run;
    std::string id;
    std::string reason;
    Fields fields;
    bool surely = true;
  };

  // What an alert of the fleet has to be. `surely`: false where it depends on what the monitor
  // measured.
  struct ExpectedOfFleet {
    enum class What { storm, storm_over, capacity, room };
    What what;
    std::string numbers;          // which its message has to have; "" = not known
    std::uint64_t since_seq = 0;  // 0 = not known
    bool surely = true;
  };
  struct Counts {
    std::size_t runs = 0;
    std::size_t stale_min = 0;
    std::size_t stale_max = 0;
    std::size_t silent_min = 0;  // fell silent just now
    std::size_t silent_max = 0;
  };
  Counts counts(Instant at) const;
  // Whether it may be stale by now without anybody being told: it may not be warned of again.
  bool perhaps_untold(const Run& run, Instant at) const;
  void note_storm(Instant at);
  void note_rejected();
  void note_room();
  bool has_room() const;
  std::uint64_t first_silent_seq(Instant at) const;
  void says_of_fleet(const Alert& alert, Instant at);
  void fleet_turn_over(Instant at);
  void take_over_fleet(const daemon::Watch& watch, const Restart& restart);

  bool duplicate(const Message& message, Instant at);
  void folds(const SharedMessage& message, Instant at, const core::Fleet& fleet);
  void reads_in_flight(const Name& name, Run& run, const Message& message, Instant at,
                       const core::Fleet& fleet);
  void reads_other(Run& run, const Message& message, Instant at);
  void start(Run& run, const Message& message, Instant at);
  void sign_of_life(const Name& name, Run& run, const Message& message, Instant at);
  void active(Run& run, Instant active, Instant at);
  Fields fields(const Run& run, Duration threshold, Instant at) const;
  void count_lost(const Mark& mark, Fields& fields) const;
  static void check_fields(const Alert& alert, const Fields& fields);
  void note_mark(Run& run, const Message& message);
  void fresh(const Name& name, Run& run, const char* reason);
  void end(Run& run, Instant at);
  void says_stale(const Name& name, Run& run, const Alert& alert, Instant at);
  void says_timeout(const Name& name, Run& run, const Alert& alert, Instant at);
  void says_resolved(const Alert& alert);
  // Messages that had arrived by then and would have told of the run, but were not read.
  void nothing_unread(const Name& name, const Run& run, Instant by, bool of_its_end,
                      const Alert& alert) const;
  // At `at` it was not exceeded before the first, and was after the second.
  Instant silence_from(const Run& run, Instant at) const;
  Instant silence_to(const Run& run) const;
  // The same without any grace, by the threshold and the pauses before `before`.
  Instant exceeded(const Run& run, Duration threshold, bool surely, Instant before) const;
  // With an episode open, the next warning of it.
  Instant repeat_due(const Run& run) const;
  Duration stale_after(const Run& run) const;
  Duration timeout_after(const Run& run) const;
  // Pauses that ended after `since` and began before `before`.
  Duration paused(Instant since, bool surely, Instant before = Instant::max()) const;
  // Whether what is due then, as the monitor has known since it read of the run last, is late.
  bool is_late(const Run& run, Instant due, Instant at) const;
  static void note_downtime(std::vector<Pause>& downtimes, Duration down, const Restart& restart);
  void take_over(Run& run, const core::Run& from, Duration ahead, const daemon::Watch& watch,
                 Instant at);
  Sources known_sources(const daemon::Watch& watch, const Restart& restart);
  void take_over_sources(Sources&& known, const Restart& restart);
  // Whether a successor that knows of these sources takes what changed the run last for a double.
  bool is_told(const Run& run, const Sources& known, const Restart& restart) const;
  void check_kept(const Name& name, const Run& run, const core::Run* now, const core::Run* ended,
                  Duration ahead, const Restart& restart, const core::Fleet& fleet) const;

  const Plan& plan_;
  std::map<Name, Run> runs_;
  std::map<Name, std::deque<std::pair<SharedMessage, Instant>>> unread_;
  Duration waited_{};  // so long lay unread what is read just now
  Sources sources_;
  std::set<std::string> forgotten_;  // sources that a start found too old
  std::vector<Pause> pauses_;
  Promptness promptness_;
  std::optional<Reload> reload_;  // the last that changed the threshold
  Instant reloaded_at_;           // whatever that changed
  std::deque<Expected> expected_;
  Fields before_;  // the event that is being read
  std::deque<ExpectedOfFleet> expected_of_fleet_;
  std::string storm_;           // as announced; "" = none
  std::string capacity_;        // likewise
  bool in_storm_ = false;       // perhaps not announced yet
  bool is_full_ = false;        // likewise
  bool fleet_unsure_ = false;   // in this turn
  bool fleet_touched_ = false;  // likewise
  Instant fleet_changed_at_;
  std::string epoch_;   // of the last alert
  Instant grace_from_;  // no silence is warned of before this …
  Instant grace_to_;    // … or may be not before this
  Instant started_;     // the monitor
  // In which nobody watched, by the last start's clocks …
  std::vector<Pause> downtimes_;
  std::vector<Pause> downtimes_perhaps_;  // … or perhaps nobody did
  std::vector<WallTime> starts_;          // after each of them there may have been a grace
  Duration older_{};                      // by all restarts
};

}  // namespace heartbeat::simulation
