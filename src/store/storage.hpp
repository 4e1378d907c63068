// What is written of a monitor's state, and in which pieces: whole batches, one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "heartbeat/time.hpp"
#include "store/records.hpp"

namespace heartbeat::store {

// What is kept cannot be used: corrupt, newer, read-only, locked by another monitor, no room, …
// what() says which it is, what is wrong with it, and what would be right, in one line.
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

// What was kept when it was opened.
struct State {
  Globals globals;
  std::vector<RunRecord> runs;  // by slot, last_activity from the blocks where those are later
  std::vector<SourceRecord> sources;
  // Of globals.epoch, oldest first, without gaps: at most as many as asked for, but all of those
  // that have perhaps not been published.
  std::vector<AlertRecord> alerts;
  Duration down{};                  // from then to now, not negative
  std::vector<Downtime> downtimes;  // that and earlier ones, oldest first
  // The machine went down before a monitor could end: what it committed in its last second may be
  // missing, and alerts that were published. Or that could not be told from an orderly end, were it
  // to go down now. Their seqs must not name others: begin a new epoch.
  bool cut = false;
};

struct Clocks {
  Instant now;
  WallTime wall_now;
};

// Where batches go. The caller hands over one at a time and goes on collecting the next while it is
// written.
class Storage {
 public:
  virtual ~Storage() = default;

  // For messages: which it is.
  virtual const std::string& name() const = 0;
  // nullopt: it is new. Once, before the first write(). Throws Unusable.
  virtual std::optional<State> load() = 0;
  // REQUIRES: nothing is being written. Never waits.
  virtual void write(std::unique_ptr<Batch> batch, const Clocks& clocks) = 0;

  struct Written {
    std::unique_ptr<Batch> batch;      // what was handed over; the caller may use its memory again
    std::optional<std::string> error;  // nullopt = committed; otherwise nothing of it is kept
    // Why committed batches, this one or earlier, did not reach the disk: as long as it is said, a
    // power cut costs more than a second. Or why the file goes on growing: a large log cannot begin
    // anew, or alerts that are too old cannot be removed. Not with an error.
    std::optional<std::string> warning;
    Duration took{};  // since write()
  };
  // The batch that was handed over, once its fate is known. Never waits.
  virtual std::optional<Written> written() = 0;
  // The same, waiting no longer than `limit`.
  virtual std::optional<Written> wait_written(Duration limit) = 0;
};

}  // namespace heartbeat::store
