// Keeps the fleet and its alerts in the state file: hands over what changed, batch after batch, and
// says which alerts are committed, so that none is published that a restart would forget.
//
// One batch is written at a time. What changes meanwhile waits in the fleet, each record once, so a
// slow disk makes nothing grow. A batch holds every alert that waits and the records of their runs:
// of no run does the file know more, or less, than its alerts say.
#pragma once

#include <spdlog/fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/fleet.hpp"
#include "daemon/alert_log.hpp"
#include "daemon/health.hpp"
#include "daemon/options.hpp"
#include "daemon/queue_age.hpp"
#include "daemon/shares.hpp"
#include "store/storage.hpp"

namespace heartbeat::daemon {

class Journal {
 public:
  // Brings `fleet` and `log`, both new, to where an earlier monitor ended. Throws
  // store::Unusable. The references must outlive this.
  Journal(store::Storage& storage, const Options& options, const store::Clocks& clocks,
          core::Fleet& fleet, AlertLog& log, Health& health, std::shared_ptr<spdlog::logger> logger,
          EpochMaker new_epoch, const Shares& shares = {});

  // In each turn, after the transitions became alerts: takes note of what was written, and hands
  // over what is to be. `wait_max`: where a commit takes longer, alerts that wait for it are
  // published without the file.
  void turn(const store::Clocks& clocks, Duration wait_max);
  // Alerts up to this seq may be published.
  std::uint64_t committed() const;
  // The monitor did not run: no alert has waited for that.
  void paused(Duration pause);
  // Writes what there is; it waits `limit` at most for each of two batches. Alerts that are not in
  // the file then may be published all the same.
  void finish(const store::Clocks& clocks, Duration limit);
  // After finish(), where a batch was still being written: a slow disk costs time, and no runs.
  void finish_late(const store::Clocks& clocks, Duration limit);

 private:
  void restore(store::State&& state, const store::Clocks& clocks, Duration grace);
  // What became of the batch that was handed over; nullopt: that is not known yet.
  void settle(std::optional<store::Storage::Written> written, Instant now);
  void give_up_waiting(const std::string& why);
  void write_last(const store::Clocks& clocks, Duration limit);
  void hand_over(const store::Clocks& clocks, bool everything);
  // The places of their runs, in order.
  std::vector<core::Slot> add_alerts(store::Batch& batch);
  void add_run(store::Batch& batch, core::Slot slot);
  void add_block(store::Batch& batch, core::Slot block);
  // `added`: places in order whose runs are in it.
  void add_changes(store::Batch& batch, const std::vector<core::Slot>& added, bool everything);
  void note_again(const store::Batch& batch);
  store::Globals globals() const;
  std::uint64_t published() const;
  std::size_t waiting() const;
  bool numbers_known() const;
  void note_changes(Instant now);
  void note_failed(Instant now);
  std::optional<Instant> oldest_change() const;

  core::Fleet& fleet_;
  AlertLog& log_;
  Health& health_;
  std::shared_ptr<spdlog::logger> logger_;
  EpochMaker new_epoch_;
  Shares shares_;
  store::Storage& storage_;

  // The file's epoch is that of the log until an alert could not wait for its commit; from then on
  // the file stands still at what was handed over, and the log's alerts are not in it.
  bool in_file_ = true;
  std::string epoch_;
  std::uint64_t handed_over_ = 0;  // seq of the last alert of the file's epoch that was
  std::uint64_t committed_ = 0;    // of the last that is in the file
  std::uint64_t published_ = 0;    // as the file is told
  std::uint64_t episodes_ = 0;     // of the file's epoch, once the log has another
  std::optional<WallTime> grace_at_;

  QueueAge runs_changed_;
  QueueAge sources_changed_;
  QueueAge numbers_changed_;              // and alerts, which change them
  std::optional<Instant> writing_since_;  // the oldest change in the batch that is being written

  bool failing_ = false;    // the last batch was not committed
  bool more_runs_ = false;  // than fitted into the last batch: the next one does not wait
  bool writing_ = false;
  bool writing_alerts_ = false;
  Instant written_at_;                    // when a batch was handed over last
  Instant retry_at_;                      // after a failure, not before
  std::optional<core::Numbers> numbers_;  // as handed over last; nullopt: none was
  std::uint64_t published_known_ = 0;     // to the file
  // Since when the commit has lasted that alerts wait for: those of the batch that is being written
  // since it was handed over, of the next one since they came.
  std::optional<Instant> waiting_since_;
};

}  // namespace heartbeat::daemon
