#include "store/state_file.hpp"

#include <poll.h>
#include <sqlite3.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "store/batch_writer.hpp"
#include "store/lock_file.hpp"
#include "store/opening.hpp"
#include "store/reading.hpp"
#include "store/syncer.hpp"

namespace heartbeat::store {

std::string boot_id() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

namespace {

// Readable from set() to clear().
class Signal {
 public:
  Signal() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) {
      throw std::system_error(errno, std::generic_category(), "eventfd");
    }
  }
  ~Signal() { close(fd_); }
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  int fd() const { return fd_; }
  void set() { eventfd_write(fd_, 1); }
  void clear() {
    eventfd_t count = 0;
    eventfd_read(fd_, &count);
  }

 private:
  int fd_;
};

// Device and inode.
using FileId = std::pair<dev_t, ino_t>;

std::optional<FileId> file_at(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? std::optional{FileId{status.st_dev, status.st_ino}}
                                          : std::nullopt;
}

int keep_log_pages(void* log_pages, sqlite3*, const char*, int pages) {
  *static_cast<int*>(log_pages) = pages;
  return SQLITE_OK;
}

}  // namespace

struct StateFile::Writer {
  struct Task {
    std::unique_ptr<Batch> batch;
    Clocks clocks;
    std::chrono::steady_clock::time_point handed_over;
  };

  Writer(const std::string& file, const Keeping& keep, const Clocks& clocks,
         const std::string& boot);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void run();
  // What is committed to a log that has no name any more is gone with this process, and who lost
  // the lock may be one of two who write.
  bool moved() const;
  std::optional<Task> next_task();
  std::optional<std::string> commit(const Batch& batch, const Clocks& clocks);
  // What is to be said with a batch that is committed.
  std::optional<std::string> trouble();
  void prune(const Clocks& clocks);

  const std::string path;
  const Keeping keeping;
  std::optional<FileId> log_file;  // path-wal, once it is there
  const LockFile lock;
  Connection connection;
  BatchWriter batches;
  std::optional<std::string> unpruned;  // why, until it is said
  int log_pages = 0;                    // after the last commit
  Syncer syncer;

  Signal known;      // that `written` has something to give
  std::mutex mutex;  // of what follows
  std::condition_variable wake;
  bool busy = false;  // from write() until what became of it is fetched
  std::optional<Task> task;
  std::optional<Written> written;
  bool ending = false;
  std::thread thread;
};

StateFile::Writer::Writer(const std::string& file, const Keeping& keep, const Clocks& clocks,
                          const std::string& boot)
    : path(file),
      keeping(keep),
      lock(file),
      connection(open_for_writing(file)),
      batches(connection, file_clock(connection, clocks, boot)),
      syncer(open_beside(file)) {
  sqlite3_wal_hook(connection.get(), keep_log_pages, &log_pages);
  thread = std::thread([this] { run(); });
}

StateFile::Writer::~Writer() {
  {
    const std::lock_guard guard(mutex);
    ending = true;
  }
  wake.notify_one();
  thread.join();
  try {
    if (!moved()) {
      batches.close();
    }
  } catch (const SqlError&) {
    // Then the next start after another boot takes it for cut off, which costs an epoch.
  }
}

bool StateFile::Writer::moved() const {
  int file_moved = 0;
  sqlite3_file_control(connection.get(), "main", SQLITE_FCNTL_HAS_MOVED, &file_moved);
  return file_moved != 0 || lock.moved() || (log_file && file_at(path + "-wal") != log_file);
}

void StateFile::Writer::run() {
  while (std::optional<Task> taken = next_task()) {
    const Clocks clocks = taken->clocks;
    Written result;
    result.error = commit(*taken->batch, clocks);
    if (!result.error) {
      result.warning = trouble();
    }
    result.batch = std::move(taken->batch);
    result.took =
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - taken->handed_over);
    const bool committed = !result.error;
    {
      const std::lock_guard guard(mutex);
      written = std::move(result);
      known.set();
    }
    if (committed) {
      prune(clocks);
    }
  }
}

std::optional<StateFile::Writer::Task> StateFile::Writer::next_task() {
  std::unique_lock guard(mutex);
  wake.wait(guard, [this] { return task || ending; });
  return std::exchange(task, std::nullopt);
}

std::optional<std::string> StateFile::Writer::commit(const Batch& batch, const Clocks& clocks) {
  try {
    if (moved()) {
      return path +
             ": it, its log or its lock was moved or removed while in use, so nothing more is "
             "written to it; put it back, or start the monitor again";
    }
    syncer.wait_for_room();
    {
      const std::lock_guard no_checkpoint(syncer.gate());
      batches.write(batch, clocks);
    }
    if (!log_file) {
      log_file = file_at(path + "-wal");
    }
    syncer.committed(log_pages);
    return std::nullopt;
  } catch (const SqlError& error) {
    if (error.code() == SQLITE_FULL || error.code() == SQLITE_IOERR) {  // the latter at a quota
      syncer.make_room();
    }
    return unusable(path, error, Connection::Access::write);
  } catch (const std::exception& error) {
    return path + ": cannot be written: " + error.what();
  }
}

// Beside nothing: a batch that waits comes first.
void StateFile::Writer::prune(const Clocks& clocks) {
  {
    const std::lock_guard guard(mutex);
    if (task || ending) {
      return;
    }
  }
  const std::lock_guard no_checkpoint(syncer.gate());
  if (auto why = batches.prune(clocks, keeping)) {
    unpruned = std::move(why);
  }
}

std::optional<std::string> StateFile::Writer::trouble() {
  if (const auto of_disk = syncer.take_trouble()) {
    return path + ": " + *of_disk;
  }
  if (const auto why = std::exchange(unpruned, std::nullopt)) {
    return path + ": alerts that are too old cannot be removed (" + *why + ")";
  }
  return std::nullopt;
}

StateFile::StateFile(const std::string& path, const Clocks& clocks, std::size_t alerts_kept,
                     int history_days, const std::string& boot)
    : clocks_(clocks), boot_(boot) {
  const std::string file = behind_links(path);
  check_place(file);
  writer_ = in_words(file, Connection::Access::write, [&] {
    return std::make_unique<Writer>(file, Keeping{alerts_kept, history_days}, clocks, boot);
  });
}

StateFile::~StateFile() = default;

const std::string& StateFile::name() const { return writer_->path; }

std::optional<State> StateFile::load() {
  auto state = in_words(writer_->path, Connection::Access::write, [this] {
    return read_state(writer_->connection, clocks_, writer_->keeping.alerts_kept, boot_);
  });
  try {
    writer_->batches.open();
  } catch (const SqlError&) {
    if (state) {
      state->cut = true;  // a full disk is no reason not to watch
    }
  }
  return state;
}

void StateFile::write(std::unique_ptr<Batch> batch, const Clocks& clocks) {
  {
    const std::lock_guard guard(writer_->mutex);
    if (writer_->busy) {
      throw std::logic_error("a batch is handed over while another is being written");
    }
    writer_->busy = true;
    writer_->task = Writer::Task{std::move(batch), clocks, std::chrono::steady_clock::now()};
  }
  writer_->wake.notify_one();
}

int StateFile::fd() const { return writer_->known.fd(); }

std::optional<StateFile::Written> StateFile::written() {
  const std::lock_guard guard(writer_->mutex);
  if (!writer_->written) {
    return std::nullopt;
  }
  writer_->known.clear();
  writer_->busy = false;
  return std::exchange(writer_->written, std::nullopt);
}

std::optional<StateFile::Written> StateFile::wait_written(Duration limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  pollfd ready{fd(), POLLIN, 0};
  for (;;) {
    const auto left = std::chrono::ceil<Duration>(end - std::chrono::steady_clock::now());
    const int count = ::poll(&ready, 1, static_cast<int>(std::max<Duration>(left, {}).count()));
    if (auto result = written(); result || count == 0 || (count < 0 && errno != EINTR)) {
      return result;
    }
  }
}

}  // namespace heartbeat::store
