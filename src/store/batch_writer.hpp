// One batch, one transaction, and afterwards the pruning of what is too old.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

#include "store/reading.hpp"
#include "store/sqlite.hpp"
#include "store/storage.hpp"

namespace heartbeat::store {

// How long alerts stay.
struct Keeping {
  std::size_t alerts_kept = 0;  // the last of the current epoch, whatever their age
  int history_days = 0;
};

class BatchWriter {
 public:
  BatchWriter(Connection& connection, const FileClock& clock);

  // Notes, on the disk itself, that the end of the monitor before is none any more: else a power
  // cut could bring it back, and with it seqs that have been used since. Throws SqlError.
  // Returns whether it had ended in order.
  bool open();
  // All of it or nothing: throws SqlError, and can be called again.
  void write(const Batch& batch, const Clocks& clocks);
  // Looks at a few of the oldest alerts, more after a batch that brought more, and removes those
  // that are too old. Where it fails, it has another chance later; it returns why, if it did not
  // fail before. REQUIRES: behind a write().
  std::optional<std::string> prune(const Clocks& clocks, const Keeping& keeping);
  // Notes that the monitor ends in order; one that wrote nothing changes nothing of how the one
  // before ended. The log is a chain: where this survives a power cut, so does all that was written
  // before.
  void close();

 private:
  void write_activity(const ActivityBlock& block);
  // REQUIRES: the header is that of the batch before.
  void note_downtime();
  void write_header(const Globals& globals, const Clocks& clocks);

  Connection& connection_;
  FileClock clock_;
  Statement run_;
  Statement forgotten_run_;
  Statement activity_;
  Statement source_;
  Statement forgotten_source_;
  Statement alert_;
  Statement header_;
  Statement downtime_;
  Statement earlier_downtimes_;
  Statement oldest_;
  Statement pruned_;
  bool ends_in_order_ = false;  // whether close() is to say so
  std::string bytes_;           // of a block of activity
  // Of the last batch.
  std::string epoch_;
  std::uint64_t alert_seq_ = 0;
  std::uint64_t published_ = 0;
  std::size_t alerts_ = 0;
  // The last alert that prune() has looked at, and when it may begin with the oldest again.
  std::tuple<std::int64_t, std::string, std::int64_t> looked_at_;
  Instant next_round_ = Instant::min();
  bool prune_failed_ = false;
};

}  // namespace heartbeat::store
