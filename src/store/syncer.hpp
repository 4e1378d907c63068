// The second thread of a state file: once a second it brings the log to the disk, and when the log
// has grown, its pages into the file, so that the log can begin anew.
//
// SQLite lets a checkpoint run beside commits; but the log begins anew only when a commit finds all
// of it in the file, which never happens while commits follow each other without a gap. So what was
// added during the last pass is copied while the writer is held up at the gate: few pages, after
// the others have reached the disk. On a disk that takes long for a sync that would hold up an
// alert for as long as two of them; there the log grows until a pass finds a gap, and the gate is
// closed once in 128 MB only. The first commit into the log that began anew waits for one sync in
// any case: without it a power cut could leave a mixture of the old log and the new one.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "store/sqlite.hpp"

namespace heartbeat::store {

class Syncer {
 public:
  // `connection`: for this thread alone.
  explicit Syncer(Connection connection);
  // Ends the thread.
  ~Syncer();
  Syncer(const Syncer&) = delete;
  Syncer& operator=(const Syncer&) = delete;

  // Before each batch: where the log has grown far faster than the disk can take it, waits for the
  // checkpoint that goes on, if one does.
  void wait_for_room();
  // The writer holds it while it writes.
  std::mutex& gate() { return gate_; }
  // The writer has committed; the log has so many pages.
  void committed(int log_pages);
  // The writer had no room for a commit: if the log can begin anew, the next one has.
  void make_room();
  // Since the last call: why the disk could not be reached, or the log not begin anew although it
  // is large.
  std::optional<std::string> take_trouble();

 private:
  void run();
  // Returns why pages of a large log are left.
  std::optional<std::string> checkpoint();
  int log_pages();

  Connection connection_;
  std::mutex gate_;
  std::mutex checkpointing_;

  std::mutex mutex_;  // of what follows
  std::condition_variable wake_;
  bool ending_ = false;
  bool unsynced_ = false;
  int log_pages_ = 0;
  int due_pages_;  // of the log, at which it is worth a checkpoint
  std::optional<std::string> trouble_;

  std::thread thread_;
};

}  // namespace heartbeat::store
