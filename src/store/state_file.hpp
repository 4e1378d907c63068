// The state file: a SQLite database in WAL mode, written by one thread that is fed whole batches.
//
// A batch is committed as one transaction or not at all, without waiting for the disk: what is
// committed survives the end of this process, however it ends. A second thread syncs the file every
// second and checkpoints it beside the commits. So a power cut, or a crash of the system, can cost
// the batches of the last second (and of the time that a sync takes), the latest ones, whole; never
// the file's consistency. State::cut says that it may have been so. The caller hands over one batch
// at a time and goes on collecting the next while it is written, so that a slow disk makes batches
// larger in what they hold, not more.
//
// Beside FILE lie FILE-wal and FILE-shm, SQLite's, which hold the latest batches and stay at the
// end, and FILE.lock. A copy of FILE alone lacks batches while a monitor runs: sqlite3's .backup
// takes all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "heartbeat/time.hpp"
#include "store/records.hpp"
#include "store/storage.hpp"

namespace heartbeat::store {

// Which boot of the machine an Instant belongs to; "" where the system does not say.
std::string boot_id();

class StateFile final : public Storage {
 public:
  // Opens or creates it, and locks it (FILE.lock beside it, so that readers may read). Throws
  // Unusable. `history_days`: older alerts are pruned, a few at a time, never one of the last
  // `alerts_kept`. Of a link, the file that it names now is meant, also in messages.
  // REQUIRES: SIGXFSZ is ignored, so that a file at its limit is a full disk; its threads block
  // what the caller's does.
  StateFile(const std::string& path, const Clocks& clocks, std::size_t alerts_kept,
            int history_days, const std::string& boot = boot_id());
  // Writes what was handed over, closes, and unlocks.
  ~StateFile() override;
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;

  const std::string& name() const override;
  // Throws Unusable: corrupt.
  std::optional<State> load() override;
  void write(std::unique_ptr<Batch> batch, const Clocks& clocks) override;
  // Readable when written() has something to give.
  int fd() const;
  std::optional<Written> written() override;
  std::optional<Written> wait_written(Duration limit) override;

 private:
  struct Writer;
  Clocks clocks_;  // at the start
  std::string boot_;
  std::unique_ptr<Writer> writer_;
};

// Reads alerts of the past, also while a monitor writes: newest last. Throws Unusable.
struct HistoryQuery {
  std::optional<std::string> agent;  // a glob as the status socket's: * any bytes, ? one code point
  std::optional<WallTime> since;
  std::size_t limit = 10'000;  // the newest that many
};
std::vector<AlertRecord> history(const std::string& path, const HistoryQuery& query);

}  // namespace heartbeat::store
