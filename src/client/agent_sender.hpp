// The client's own thread. Agents' threads hand it state changes; activity it reads from the runs'
// records, so that a million calls between two beats cost one event.
//
// Two sources, each with its own seq. Changes are sent again after a reconnection, under the same
// seq, and the monitor's window removes doubles only among the last 64 of a source: the beats of
// many runs would push them out of it.
//
// A fork() copies all this but the thread, and whatever lock another thread held just then. In the
// child nothing is touched, and nothing freed.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "client/publication.hpp"
#include "client/run_record.hpp"
#include "heartbeat/agent_client.hpp"
#include "heartbeat/event.hpp"

namespace heartbeat {

class AgentClient::Sender {
 public:
  enum class What : std::uint8_t { begin, end, idle, phase, detail, promise };

  // A run's state change, as the agent's thread saw it.
  struct Change {
    std::shared_ptr<AgentRun::Record> run;
    What what = What::begin;
    std::int64_t at = 0;      // as boot_now() counts
    std::int64_t active = 0;  // the last activity before it that was not told; 0 = none
    std::string text;         // begin: the task; end: the outcome; phase, detail: the new one
    std::string agent_type;   // these two: begin
    std::string phase;
    std::string detail;               // begin, end
    std::optional<Duration> promise;  // begin, promise

    // Set when it is sent first, and the same whenever it is sent again.
    EventKind kind = EventKind::activity;
    std::uint64_t seq = 0;
    // When it was said last, and once that was taken, when the transport took it.
    std::int64_t sent = 0;
  };

  // The changes that were said, in order, as long as they may have to be said again: what was sent
  // so shortly before a connection ended may have died on its way.
  class SentChanges {
   public:
    explicit SentChanges(std::size_t size_max) : size_max_(size_max) {}

    // Gives it its seq.
    Change& add(Change&& change);
    // It is said at `now`.
    void note_said(Change& change, std::int64_t now);
    // The transport took those with seqs from `first` to before `end`.
    void note_taken(std::uint64_t first, std::uint64_t end, std::int64_t now);
    // Those that the transport took long enough ago, or that are too many.
    void forget(std::int64_t now);

    std::deque<Change>& kept() { return kept_; }
    bool empty() const { return kept_.empty(); }
    std::uint64_t last_seq() const { return seq_; }
    std::uint64_t taken() const { return taken_; }
    std::uint64_t not_taken() const { return seq_ - taken_; }
    // Forgotten because they were too many.
    std::uint64_t displaced() const { return displaced_; }

   private:
    void forget_oldest();

    const std::size_t size_max_;
    std::deque<Change> kept_;
    std::unordered_map<std::string, std::int64_t> ended_;  // by name, of those: when that was said
    std::uint64_t seq_ = 0;                                // of the last
    std::uint64_t taken_ = 0;  // the seq of the last that the transport took; all before it, too
    std::uint64_t displaced_ = 0;
  };

  // Throws as AgentClient does. Ends with its last owner, but not in a forked child.
  static std::shared_ptr<Sender> make(AgentClientOptions options);
  // REQUIRES: stopped.
  ~Sender();

  // These from any thread. Once stopped, or where it cannot be kept, a change counts as dropped.
  void take(Change&& change) noexcept;
  // A change of a run that has begun; text and promise are made to fit. After `end` none counts.
  void change(const std::shared_ptr<AgentRun::Record>& run, What what, std::string_view text = {},
              std::optional<Duration> promise = std::nullopt,
              std::string_view detail = {}) noexcept;
  void count_dropped() noexcept;
  Counts counts() const;
  // Sends what waits, for `linger` at most, and ends the thread. Not from two threads at once.
  void stop() noexcept;

 private:
  struct Message {
    std::string payload;
    std::size_t events = 0;
    std::uint64_t first_change = 0;  // the seqs of its changes
    std::uint64_t end_change = 0;    // one behind them
  };
  using Clock = client::SteadyClock;

  explicit Sender(AgentClientOptions options);
  bool in_forked_child() const;
  void run();
  bool turn();
  // Waits until there is something to do.
  void wait();
  bool is_worth_waiting() const;
  // Takes what was handed over. Returns whether the client is to stop.
  bool collect();
  // These two with the mutex held.
  void drop_beyond_limit();
  void publish_counts();
  // Tells a monitor that subscribed afresh all that it may have missed.
  void say_again();
  void say_changes_again();
  void say_states();
  void say_changes();
  void say_beats();
  // True once all that was said has been taken by the transport.
  bool flush();

  // Behind them, events that are no changes.
  void say(std::span<const Event> events, std::uint64_t first_change = 0, std::size_t changes = 0);
  void apply(Change& change);
  static void note_latest(const Change& change);
  static std::int64_t latest_activity(const AgentRun::Record& run);
  void note_active(AgentRun::Record& run, std::int64_t active);
  Event event_of(const Change& change) const;
  Event activity_of(AgentRun::Record& run, std::int64_t active);
  void tell_state(const AgentRun::Record& run, std::vector<Event>& events);
  Event beat(const AgentRun::Record& run, EventKind kind);
  Event plain(const AgentRun::Record& run, EventKind kind) const;
  void remove(AgentRun::Record& run);

  const AgentClientOptions options_;
  const pid_t process_;
  std::atomic<std::uint64_t> dropped_in_child_{0};
  std::optional<client::Publication> publication_;  // while the thread runs
  const std::string beat_source_;
  const std::string change_source_;
  int wake_fd_ = -1;

  mutable std::mutex mutex_;  // guards these
  std::deque<Change> handed_over_;
  bool stopping_ = false;
  std::uint64_t dropped_ = 0;
  Counts counts_;

  // The thread's own.
  std::deque<Change> waiting_;  // in order, not yet sent
  SentChanges sent_;
  std::deque<Message> outbox_;                           // said, and not yet taken
  std::vector<std::shared_ptr<AgentRun::Record>> runs_;  // begun and not ended, as told
  std::int64_t now_ = 0;                                 // of this turn
  std::size_t beat_from_ = 0;  // the first run that this beat has not told
  Clock::time_point next_beat_;
  std::uint64_t beat_seq_ = 0;
  std::uint64_t subscriptions_ = 0;  // that were dealt with
  bool connected_ = false;           // the last of them holds
  std::uint64_t events_sent_ = 0;
  std::uint64_t sends_refused_ = 0;
  std::optional<Clock::time_point> stop_at_;
  std::uint64_t refusals_before_stop_ = 0;
  std::thread thread_;
};

}  // namespace heartbeat
