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
#include <stdexcept>
#include <string>
#include <vector>

#include "heartbeat/time.hpp"
#include "store/records.hpp"

namespace heartbeat::store {

// The file cannot be used: corrupt, newer, read-only, locked by another monitor, no room, … what()
// says which file, what is wrong with it, and what would be right, in one line.
class Unusable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Batch {
  Globals globals;
  std::vector<RunRecord> runs;           // each replaces the record at its slot
  std::vector<std::uint32_t> forgotten;  // slots whose records go, before `runs` are written
  std::vector<ActivityBlock> activity;   // written after `runs`
  std::vector<SourceRecord> sources;     // each replaces the record at its slot
  std::vector<std::uint32_t> forgotten_sources;
  std::vector<AlertRecord> alerts;  // new ones, in order of seq
};

// What the file held when it was opened.
struct State {
  Globals globals;
  std::vector<RunRecord> runs;  // by slot, last_activity from the blocks where those are later
  std::vector<SourceRecord> sources;
  // Of globals.epoch, oldest first, without gaps, at most as many as asked for.
  std::vector<AlertRecord> alerts;
  WallTime written_at{};  // the last batch's
  Duration down{};        // from then to now, not negative
  // The machine went down before a monitor could end: what it committed in its last second may be
  // missing, and alerts that were published. Their seqs must not name others: begin a new epoch.
  bool cut = false;
};

struct Clocks {
  Instant now;
  WallTime wall_now;
};

// Which boot of the machine an Instant belongs to; "" where the system does not say.
std::string boot_id();

class StateFile {
 public:
  // Opens or creates it, and locks it (FILE.lock beside it, so that readers may read). Throws
  // Unusable. `history_days`: older alerts are pruned, a few at a time, never one of the last
  // `alerts_kept`.
  StateFile(const std::string& path, const Clocks& clocks, std::size_t alerts_kept,
            int history_days, const std::string& boot = boot_id());
  // Writes what was handed over, closes, and unlocks.
  ~StateFile();
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;

  // nullopt: the file is new. Once, before the first write(). Throws Unusable: corrupt.
  std::optional<State> load();

  // REQUIRES: nothing is being written. Never waits.
  void write(std::unique_ptr<Batch> batch, const Clocks& clocks);

  struct Written {
    std::unique_ptr<Batch> batch;  // what was handed over; the caller may use its memory again
    std::optional<std::string>
        error;  // nullopt = committed; otherwise nothing of it is in the file
    // Why committed batches, this one or earlier, did not reach the disk, or the log cannot become
    // shorter: as long as it is said, a power cut costs more than a second.
    std::optional<std::string> unsynced;
    Duration took{};  // since write()
  };
  // Readable when written() has something to give.
  int fd() const;
  // The batch that was handed over, once its fate is known. Never waits.
  std::optional<Written> written();
  // The same, waiting no longer than `limit`.
  std::optional<Written> wait_written(Duration limit);

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
