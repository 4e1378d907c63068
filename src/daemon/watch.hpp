// What the monitor does between its sockets: folds events, judges deadlines, numbers alerts, keeps
// its state, answers. Reads no socket and no clock: each turn of the loop hands it messages and
// instants, so a simulator runs it as the loop does.
#pragma once

#include <spdlog/fwd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/fleet.hpp"
#include "daemon/alert_log.hpp"
#include "daemon/health.hpp"
#include "daemon/journal.hpp"
#include "daemon/options.hpp"
#include "daemon/pauses.hpp"
#include "daemon/shares.hpp"
#include "daemon/status.hpp"
#include "daemon/watermark.hpp"
#include "heartbeat/alert.hpp"
#include "store/storage.hpp"
#include "wire/decode.hpp"

namespace heartbeat::daemon {

class Watch {
 public:
  // `storage` must outlive this; nullptr = the state is not kept. `worked`: by this thread until
  // now. `new_epoch` never gives a name twice, in no process. Throws store::Unusable.
  Watch(const Options& options, store::Storage* storage, const store::Clocks& clocks,
        std::chrono::nanoseconds worked, std::shared_ptr<spdlog::logger> logger,
        const EpochMaker& new_epoch = make_epoch, const Shares& shares = {});

  // How long the loop may sleep at most before its next turn.
  Duration time_to_sleep(Instant now) const;

  // One turn calls these, in this order; instants never decrease.

  // `slept`: as long as it was asked to, or less where something came before.
  void begin_turn(const Pauses::Reading& reading, Duration slept);

  // For how many events there is room in this turn, each of which may make an alert; where for
  // none, a commit that is under way has to end first.
  std::size_t room() const;
  // Whether a probe is to be sent now, before anything is read: its answer then comes with the
  // next turn. REQUIRES of probe_sent(): it is. Returns its number.
  bool wants_probe(Instant now) const;
  std::uint64_t probe_sent(Instant now) { return watermark_.sent(now); }
  // Where one is to be sent and nothing takes it.
  void probe_unsent(Instant now) { watermark_.unsent(now); }
  void probe_returned(std::uint64_t number) { watermark_.returned(number); }
  // None of those on their way will come back.
  void probes_lost() { watermark_.lost(); }

  // The payload of a message, "" of one that has none. Its bytes must outlive fold(). Returns how
  // many events it is.
  std::size_t take(std::string_view payload);
  // Folds what was taken: many messages together, because the waits for their runs' memory then
  // overlap. What comes before a probe is folded before it has returned.
  void fold(Instant now);

  // `drained`: all that had arrived was taken.
  void judge(const store::Clocks& clocks, bool drained);

  // The next alert that may be published, or nullptr; then, once it was, at `now`,
  // published_next().
  void commit(const store::Clocks& clocks);
  const AlertLog::Entry* next_alert() const;
  void published_next(Instant now);

  // nullopt: none is due.
  std::optional<Beat> next_beat(const store::Clocks& clocks);

  // Appends the reply to a request; nullopt: it was not one frame.
  void answer(std::optional<std::string_view> request, const store::Clocks& clocks,
              std::string& reply);

  // At the end, after the last turn and one more begin_turn(): what is not kept yet gets so long at
  // most; then alerts may be left to publish.
  void finish(const store::Clocks& clocks, Duration limit);
  // After that, and after publishing: what a slow disk has not taken yet.
  void finish_late(const store::Clocks& clocks, Duration limit);

  // REQUIRES: they differ only in what can change while it runs. After begin_turn(), which may tell
  // of a pause: deadlines that it moves are not past.
  void set_options(const Options& options, Instant now);

  const core::Fleet& fleet() const { return fleet_; }
  const AlertLog& alerts() const { return log_; }
  const Health& health() const { return health_; }
  Health& health() { return health_; }

 private:
  void number(WallTime now, bool overloaded);

  Options options_;
  std::shared_ptr<spdlog::logger> logger_;
  wire::EventDecoder decoder_;
  core::Fleet fleet_;
  core::Transitions transitions_;
  AlertLog log_;
  Health health_;
  std::optional<Journal> journal_;  // nullopt: nothing is kept
  StatusDesk desk_;
  Pauses pauses_;
  Watermark watermark_;
  Instant next_beat_;
  bool work_left_ = false;      // from the last turn,
  bool verdicts_left_ = false;  // and deadlines that may fire
};

}  // namespace heartbeat::daemon
