// Reports an agent process's runs to the monitor: register, activity, idle, unregister, as
// schemas/README.md, "Events", words them.
//
//   heartbeat::AgentClient client;
//   heartbeat::AgentRun run(client, {.agent_id = "dev-1", .task_id = "T-42"});
//   while (work()) run.activity();
//   run.finish("done");
//
// Once a client is made, nothing here throws or waits for the network: a sender thread of the
// client's own does all I/O, and what cannot be sent is counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "heartbeat/endpoints.hpp"
#include "heartbeat/export.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat {

struct AgentClientOptions {
  // Where the monitor takes events; it need not be there yet.
  std::string events = Endpoints{}.events;
  // Activity of one run is sent at most once in this time. Silence is judged in minutes, so
  // nothing is gained by less than a second.
  Duration beat_interval{1'000};
  // State changes that wait while there is no monitor; beyond, the oldest are dropped and counted.
  // And so many of those sent in the last 5 s, or said again in a connection that ended within 5 s,
  // are kept to be sent again after a reconnection; beyond, the oldest are not, and count as
  // displaced: one that died on its way in the connection's end is then lost.
  std::size_t changes_max = 100'000;
  // How long the destructor waits, at most, for what is not yet sent; where the connection has
  // ended, also for a monitor to tell again what was sent in the last 5 s before that.
  Duration linger{1'000};
  // False: where no monitor has ever subscribed, the first connection that is refused meanwhile
  // ends that wait, as nobody is there. That takes up to 0.2 s; a host that does not answer
  // refuses nothing.
  bool linger_when_refused = true;
};

class HEARTBEAT_EXPORT AgentClient {
 public:
  // A state change is counted in exactly one of `sent`, `dropped` and `waiting`.
  struct Counts {
    std::uint64_t events_sent_total = 0;        // handed to the transport, repeats included
    std::uint64_t changes_sent_total = 0;       // state changes among them, each once
    std::uint64_t changes_dropped_total = 0;    // state changes that were never sent
    std::uint64_t changes_waiting = 0;          // not yet sent
    std::uint64_t changes_displaced_total = 0;  // sent, and too many to be kept for a repeat
    std::uint64_t sends_refused_total = 0;      // the transport took nothing for a while
    std::uint64_t subscriptions_total = 0;      // of monitors; a reconnection is a fresh one
    bool connected = false;                     // a monitor listens
  };

  // Starts the sender thread, which a fork() leaves behind. So in a forked child the client, and
  // each run of it, does nothing: state changes count as dropped, counts() knows of those alone,
  // nothing is said of the parent's runs, and its memory and descriptors stay taken until exec or
  // exit. Make another client there. Throws std::invalid_argument where an option cannot be used,
  // and std::runtime_error where the system refuses a socket or a thread, or too few descriptors
  // are left.
  explicit AgentClient(AgentClientOptions options = {});
  ~AgentClient();
  // Sends what waits, and what may have died with a connection, for `linger` at most. Runs may
  // outlive it; they then report nothing. The destructor does the same. Not from two threads at
  // once.
  void stop() noexcept;
  AgentClient(const AgentClient&) = delete;
  AgentClient& operator=(const AgentClient&) = delete;

  Counts counts() const;

 private:
  friend class AgentRun;
  class HEARTBEAT_LOCAL Sender;
  std::shared_ptr<Sender> sender_;
};

// What a run says of itself when it registers. Over-long or unprintable text is made to fit;
// an agent_id, run_id or task_id that the monitor must reject makes a run that reports nothing
// and counts as dropped.
struct AgentRunOptions {
  std::string agent_id{};  // 1–128 bytes
  // 0–128 bytes. Runs of one agent with different run_ids live side by side.
  std::string run_id{};
  std::string task_id{};     // 0–128 bytes
  std::string agent_type{};  // 0–64 bytes
  std::string phase{};       // 0–64 bytes
  std::string detail{};      // 0–512 bytes
  // 1 ms to ten years; what is less or more counts as these.
  std::optional<Duration> promise{};  // instead of the stale threshold, until the next activity
  std::optional<Duration> timeout_after{};  // instead of the timeout threshold
};

// One run, as a scope: registers when made, unregisters when it ends, with outcome `done`, or
// `failed` where an exception leaves the scope. Its functions may be called from any thread.
class HEARTBEAT_EXPORT AgentRun {
 public:
  AgentRun(AgentClient& client, AgentRunOptions options) noexcept;
  ~AgentRun();
  AgentRun(const AgentRun&) = delete;
  AgentRun& operator=(const AgentRun&) = delete;

  // Work advances. Call it from the work itself, as often as you like: it reads a clock and writes
  // a field, without lock, allocation or system call. A timer thread that calls it would hide a
  // hang.
  void activity() noexcept;
  // Activity, and a number that grows as the work advances.
  void progress(std::uint64_t value) noexcept;

  // State changes: they leave at once, behind the activity that came before them. Of text, what is
  // over its limit is cut at a code point, and control characters and broken UTF-8 are replaced.
  // Waiting for work: the run is shown as idle until the next activity. No activity by itself.
  void idle() noexcept;
  // What it does now: `tool:web_search`, `waiting:human`; 0–64 bytes. Activity, unless idle.
  void phase(std::string_view text) noexcept;
  // Free text for the person who looks, 0–512 bytes. Activity, unless idle.
  void detail(std::string_view text) noexcept;
  // "You hear from me within this time." Holds until the next activity. Activity, unless idle.
  // A monitor that comes when it was broken already knows the age of the silence and judges that by
  // its own limit; a run that broke its promise is shown as idle after a reconnection, until its
  // next activity.
  void promise(Duration within) noexcept;
  // Ends the run; what is called afterwards does nothing. `outcome`: `done`, `failed`, …, 0–64
  // bytes; `detail`: 0–512 bytes, "": as it was.
  void finish(std::string_view outcome, std::string_view detail = {}) noexcept;

 private:
  friend class AgentClient;
  struct HEARTBEAT_LOCAL Record;
  std::shared_ptr<AgentClient::Sender> sender_;
  std::shared_ptr<Record> record_;  // nullptr: reports nothing
  int exceptions_;                  // in flight when the scope began
};

// One client for the whole process, for programs that have no place to keep their own. A forked
// child that wants one calls stop(), which lets go of the parent's, and init().
namespace process_client {

// Makes it. Throws as AgentClient does, and std::logic_error if there is one already.
HEARTBEAT_EXPORT void init(AgentClientOptions options = {});
// Throws std::logic_error if init() was not called, or stop() was. Holds until stop().
HEARTBEAT_EXPORT AgentClient& get();
// Ends it as ~AgentClient does. Does nothing if there is none.
HEARTBEAT_EXPORT void stop() noexcept;

}  // namespace process_client

}  // namespace heartbeat
