#include "store/syncer.hpp"

#include <sqlite3.h>

#include <chrono>
#include <utility>

namespace heartbeat::store {

namespace {

constexpr std::chrono::seconds sync_interval{1};
constexpr int pages_per_mb = 256;
constexpr int checkpoint_pages = 2048;   // 8 MB of log
constexpr int gate_pages = 256;          // 1 MB: what the writer may be held up for, if possible
constexpr int passes_max = 4;            // before it is tried again with a larger log
constexpr int log_pages_large = 32'768;  // 128 MB: beyond it the writer is held up all the same
constexpr int log_pages_max = 65'536;    // 256 MB: beyond it the writer waits for the disk
// How long a pass may take, most of it the disk's time for two syncs, that the writer is held up
// for: small beside the time that an alert waits for its commit.
constexpr std::chrono::milliseconds gate_time{20};

void check(Connection& connection, int code) {
  if (code != SQLITE_OK) {
    throw error_of(connection.get(), code);
  }
}

// `which`: SQLITE_FCNTL_FILE_POINTER or …JOURNAL_POINTER. With a descriptor of our own, closing it
// would drop SQLite's locks on the file.
void sync_file(Connection& connection, int which) {
  sqlite3_file* file = nullptr;
  check(connection, sqlite3_file_control(connection.get(), "main", which, &file));
  check(connection, file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY));
}

// Copies what was there when it began, as far as no reader hinders. Returns how many pages of the
// log are in the file now.
int checkpoint_once(Connection& connection) {
  int log = 0;
  int copied = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(connection.get(), "main", SQLITE_CHECKPOINT_PASSIVE, &log, &copied);
  if ((code & 0xff) != SQLITE_BUSY) {  // busy: another program does the same just now
    check(connection, code);
  }
  return copied;
}

}  // namespace

Syncer::Syncer(Connection connection)
    : connection_(std::move(connection)), due_pages_(checkpoint_pages) {
  connection_.number("SELECT count(*) FROM globals");  // now it has the log open
  thread_ = std::thread([this] { run(); });
}

Syncer::~Syncer() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Syncer::committed(int log_pages) {
  const std::lock_guard lock(mutex_);
  if (log_pages < log_pages_) {  // it has begun anew
    due_pages_ = checkpoint_pages;
  }
  log_pages_ = log_pages;
  unsynced_ = true;
  if (log_pages_ >= due_pages_) {
    wake_.notify_one();
  }
}

void Syncer::make_room() {
  const std::lock_guard lock(mutex_);
  due_pages_ = 0;
  wake_.notify_one();
}

std::optional<std::string> Syncer::take_trouble() {
  const std::lock_guard lock(mutex_);
  return std::exchange(trouble_, std::nullopt);
}

void Syncer::run() {
  auto next_sync = std::chrono::steady_clock::now() + sync_interval;
  std::unique_lock lock(mutex_);
  while (!ending_) {
    wake_.wait_until(lock, next_sync, [this] { return ending_ || log_pages_ >= due_pages_; });
    const auto now = std::chrono::steady_clock::now();
    const bool sync_now = now >= next_sync && std::exchange(unsynced_, false);
    const bool checkpoint_now = log_pages_ >= due_pages_;
    if (now >= next_sync) {
      next_sync = now + sync_interval;
    }
    lock.unlock();
    std::optional<std::string> trouble;
    bool failed = false;
    try {
      if (sync_now) {
        sync_file(connection_, SQLITE_FCNTL_JOURNAL_POINTER);
      }
      if (checkpoint_now) {
        trouble = checkpoint();
      }
    } catch (const SqlError& error) {
      trouble = std::string("written, but not brought to the disk (") + error.what() + ")";
      failed = true;
    }
    lock.lock();
    unsynced_ = unsynced_ || failed;
    if (trouble) {
      trouble_ = std::move(trouble);
    }
    if (checkpoint_now) {
      due_pages_ = log_pages_ + checkpoint_pages;
    }
  }
}

std::optional<std::string> Syncer::checkpoint() {
  const std::lock_guard no_more(checkpointing_);
  const bool large = log_pages() >= log_pages_large;
  bool is_short = false;  // the pass that would be the last
  for (int pass = 0; pass < passes_max && !is_short; ++pass) {
    const auto began = std::chrono::steady_clock::now();
    const int copied = checkpoint_once(connection_);
    const int left = log_pages() - copied;
    if (left == 0) {
      return std::nullopt;
    }
    is_short = left <= gate_pages && std::chrono::steady_clock::now() - began <= gate_time;
  }
  if (is_short || large) {
    sync_file(connection_, SQLITE_FCNTL_FILE_POINTER);
    sync_file(connection_, SQLITE_FCNTL_JOURNAL_POINTER);
    const std::lock_guard no_commits(gate_);
    const int pages = log_pages();
    if (checkpoint_once(connection_) < pages && large) {
      return "a reader keeps its log from beginning anew, which has " +
             std::to_string(pages / pages_per_mb) + " MB by now; end that one";
    }
  }
  return std::nullopt;
}

void Syncer::wait_for_room() {
  if (log_pages() >= log_pages_max) {
    const std::lock_guard until_copied(checkpointing_);
  }
}

int Syncer::log_pages() {
  const std::lock_guard lock(mutex_);
  return log_pages_;
}

}  // namespace heartbeat::store
