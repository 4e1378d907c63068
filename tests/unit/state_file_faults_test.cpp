// What happens to a state file from outside: its monitor is killed, the disk is full, others read.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <random>
#include <thread>

#include "store/sqlite.hpp"
#include "support/catch.hpp"
#include "support/state_files.hpp"

namespace heartbeat::store {
namespace {

void require(bool holds, const std::string& what) {
  if (!holds) {
    throw std::runtime_error(what);
  }
}

// A process of its own, which can be killed, or have limits of its own.
class Child {
 public:
  // REQUIRES: this process has one thread. `report`: where the child may write.
  explicit Child(const std::function<void(int report)>& live) {
    int ends[2];
    require(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
    pid_ = fork();
    require(pid_ >= 0, "fork");
    if (pid_ == 0) {
      int code = 0;
      try {
        live(ends[1]);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "child: %s\n", error.what());
        code = 1;
      }
      _exit(code);
    }
    close(ends[1]);
    reports_ = ends[0];
  }
  ~Child() {
    if (pid_ > 0) {
      kill();
    }
    close(reports_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // The next number that it reports; nullopt: it has ended.
  std::optional<std::uint64_t> report() const {
    pollfd ready{reports_, POLLIN, 0};
    require(poll(&ready, 1, static_cast<int>(patience.count())) == 1, "the child says nothing");
    std::uint64_t number = 0;
    const ssize_t length = read(reports_, &number, sizeof number);
    return length == sizeof number ? std::optional(number) : std::nullopt;
  }

  // Its last report within a time of arbitrary length, in which it is in the middle of anything.
  std::optional<std::uint64_t> last_report(std::chrono::microseconds within) const {
    const auto end = std::chrono::steady_clock::now() + within;
    std::optional<std::uint64_t> last;
    while (std::chrono::steady_clock::now() < end) {
      pollfd ready{reports_, POLLIN, 0};
      if (poll(&ready, 1, 0) == 1) {
        last = report();
      }
    }
    return last;
  }

  void kill() {
    ::kill(pid_, SIGKILL);
    wait();
  }
  // Its exit code.
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  int reports_ = -1;
};

// While it lives, each sync takes so long.
class SlowDisk {
 public:
  explicit SlowDisk(std::chrono::milliseconds sync_takes) {
    syncs_ = 0;
    sync_takes_ms_ = sync_takes.count();
  }
  ~SlowDisk() { sync_takes_ms_ = 0; }
  SlowDisk(const SlowDisk&) = delete;
  SlowDisk& operator=(const SlowDisk&) = delete;

  // How many there were.
  int syncs() const { return syncs_; }

  static int sync(int fd) {
    ++syncs_;
    std::this_thread::sleep_for(std::chrono::milliseconds{sync_takes_ms_});
    return static_cast<int>(syscall(SYS_fdatasync, fd));
  }

 private:
  static inline std::atomic<int> syncs_ = 0;
  static inline std::atomic<std::int64_t> sync_takes_ms_ = 0;
};

constexpr std::uint32_t fleet = 300;

// Batch n: n alerts so far, and `progress` n in every run and source.
void fill(Monitor& monitor, std::uint64_t n) {
  for (std::uint32_t slot = 0; slot < fleet; ++slot) {
    RunRecord run = run_at(slot, slot + 1, static_cast<std::int64_t>(n));
    run.progress = n;
    monitor.next.runs.push_back(run);
  }
  SourceRecord source = source_at(0, "s");
  source.highest = n;
  monitor.next.sources = {source};
  monitor.next.activity = {{0, {{1, at(static_cast<std::int64_t>(n)), {}}}}};
  monitor.add_alert();
}

// The batch that the file holds, all of it.
std::uint64_t whole_batch(const State& state) {
  const std::uint64_t n = state.globals.alert_seq;
  require(state.alerts.size() == n, "alerts are missing");
  require(state.runs.size() == fleet, "runs are missing");
  for (const RunRecord& run : state.runs) {
    require(run.progress == n, "a run of another batch");
  }
  require(state.sources.at(0).highest == n, "a source of another batch");
  require(state.runs[0].last_activity == at(static_cast<std::int64_t>(n)), "an older activity");
  return n;
}

}  // namespace

// Stands before the C library's, also for SQLite.
extern "C" __attribute__((visibility("default"))) int fdatasync(int fd) {
  return SlowDisk::sync(fd);
}

TEST_CASE("what was committed survives a kill, and no half of a batch does") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const Folder folder;
  std::uint64_t begun_with = 0;
  for (int round = 0; round < 20; ++round) {
    Child child([&folder, begun_with](int report) {
      Monitor monitor(folder.file());
      for (std::uint64_t n = begun_with + 1;; ++n) {
        fill(monitor, n);
        require(!monitor.write(), "not written");
        require(::write(report, &n, sizeof n) == sizeof n, "write");
      }
    });
    auto committed = child.report();
    const std::chrono::microseconds moment{std::uniform_int_distribution(0, 50'000)(random)};
    if (const auto later = child.last_report(moment)) {
      committed = later;
    }
    child.kill();
    REQUIRE(committed);
    const State state = loaded(folder.file());
    begun_with = whole_batch(state);
    CHECK(begun_with >= *committed);
    CHECK_FALSE(state.cut);
  }
}

TEST_CASE("only a monitor that ended in order leaves no doubt after another boot") {
  const Folder folder;
  Child([&folder](int) {
    Monitor monitor(folder.file());
    fill(monitor, 1);
    require(!monitor.write(), "not written");
    ::raise(SIGKILL);
  }).wait();
  CHECK(loaded(folder.file(), clocks_at(0), "boot-2").cut);
  INFO("that one has ended in order, but has written nothing since the cut");
  CHECK(loaded(folder.file(), clocks_at(0), "boot-2").cut);
  {
    Monitor monitor(folder.file(), clocks_at(0), 1'000, 30, "boot-2");
    REQUIRE_FALSE(monitor.write());
    CHECK(monitor.state->cut);
  }
  CHECK_FALSE(loaded(folder.file(), clocks_at(0), "boot-3").cut);
}

TEST_CASE("while a monitor is at work its file says of none that it ended in order") {
  const Folder folder;
  const auto closed = [&folder] {
    Connection reader(folder.file(), Connection::Access::read, patience);
    return reader.number("SELECT closed FROM globals");
  };
  {
    Monitor monitor(folder.file());
    REQUIRE_FALSE(monitor.write());
  }
  REQUIRE(closed() == 1);
  {
    const Monitor monitor(folder.file());
    CHECK(closed() == 0);
  }
  CHECK(closed() == 1);
}

TEST_CASE("a full disk fails the batch, which leaves nothing, and later ones succeed again") {
  const Folder folder;
  Child child([&folder](int) {
    signal(SIGXFSZ, SIG_IGN);
    Monitor monitor(folder.file());
    fill(monitor, 1);
    require(!monitor.write(), "the first batch is not written");
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    const rlimit unlimited = limit;
    limit.rlim_cur = std::filesystem::file_size(folder.file() + "-wal") + 100'000;
    setrlimit(RLIMIT_FSIZE, &limit);

    for (int attempt = 0; attempt < 5; ++attempt) {
      Batch large = monitor.next;
      for (std::uint32_t slot = fleet; slot < 3'000; ++slot) {
        large.runs.push_back(run_at(slot, slot + 1, 0));
      }
      large.alerts.push_back(alert_of("e1", 2));
      large.globals.alert_seq = 2;
      const Globals globals = std::exchange(monitor.next, large).globals;
      const auto error = monitor.write();
      monitor.next.globals = globals;
      require(error.has_value(), "the disk is not full");
      require(error->starts_with(folder.file() + ": ") &&
                  error->find("File too large") != std::string::npos,
              *error);
      require(history(folder.file(), {}).size() == 1, "a failed batch left an alert");
    }
    setrlimit(RLIMIT_FSIZE, &unlimited);
    fill(monitor, 2);
    require(!monitor.write(), "after the disk has room again nothing is written");
  });
  CHECK(child.wait() == 0);
  CHECK(whole_batch(loaded(folder.file())) == 2);
}

TEST_CASE(
    "where there is room for a small log only, it begins anew before it is worth a checkpoint") {
  const Folder folder;
  Child child([&folder](int) {
    signal(SIGXFSZ, SIG_IGN);
    Monitor monitor(folder.file());
    fill(monitor, 1);
    require(!monitor.write(), "the first batch is not written");
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 1'000'000;
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto end = std::chrono::steady_clock::now() + patience;
    for (int written = 0; written < 50;) {
      for (std::uint32_t slot = 0; slot < fleet; ++slot) {
        monitor.next.runs.push_back(run_at(slot, slot + 1, 0));
      }
      written += monitor.write() ? 0 : 1;
      require(std::chrono::steady_clock::now() < end, std::to_string(written) + " batches");
    }
  });
  CHECK(child.wait() == 0);
}

TEST_CASE("commits wait for no sync, also after a start on a full disk") {
  const Folder folder;
  {
    Monitor monitor(folder.file());
    REQUIRE_FALSE(monitor.write());
  }
  Child child([&folder](int) {
    signal(SIGXFSZ, SIG_IGN);
    StateFile file(folder.file(), clocks_at(0), 1'000, 30, "boot-1");
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    const rlimit unlimited = limit;
    limit.rlim_cur = 0;
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto state = file.load();
    setrlimit(RLIMIT_FSIZE, &unlimited);
    require(state && state->cut, "the disk is not full");
    const SlowDisk disk(std::chrono::milliseconds{0});
    constexpr int batches = 100;
    for (int n = 0; n < batches; ++n) {
      auto batch = std::make_unique<Batch>();
      batch->globals = state->globals;
      file.write(std::move(batch), clocks_at(n));
      require(!file.wait_written(patience).value().error, "not written");
    }
    require(disk.syncs() < batches / 2, std::to_string(disk.syncs()) + " syncs");
  });
  CHECK(child.wait() == 0);
}

TEST_CASE("a checkpoint on a disk that takes long for a sync holds up no commit") {
  const Folder folder;
  Monitor monitor(folder.file());
  fill(monitor, 1);
  REQUIRE_FALSE(monitor.write());  // the first one waits for the log to have a beginning
  const SlowDisk disk(std::chrono::milliseconds{500});
  std::chrono::steady_clock::duration longest{};
  const auto write = [&] {
    const auto began = std::chrono::steady_clock::now();
    REQUIRE_FALSE(monitor.write());
    longest = std::max(longest, std::chrono::steady_clock::now() - began);
  };
  const std::string log = folder.file() + "-wal";
  for (std::uint64_t n = 2; std::filesystem::file_size(log) < 9'000'000; ++n) {
    fill(monitor, n);
    write();
  }
  while (disk.syncs() < 13) {  // a monitor's pace, with which the log remains small
    monitor.add_alert();
    write();
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  CHECK(longest < std::chrono::milliseconds{450});
}

TEST_CASE("readers see whole batches while a monitor writes, and hold it up in nothing") {
  const Folder folder;
  Monitor monitor(folder.file());
  fill(monitor, 1);
  REQUIRE_FALSE(monitor.write());
  INFO("one that stays in the past, as a person with sqlite3 may");
  Connection person(folder.file(), Connection::Access::read, Duration{0});
  const Transaction past(person, "BEGIN");
  CHECK(person.number("SELECT count(*) FROM alerts") == 1);

  std::atomic<bool> ended = false;
  std::string trouble;
  std::size_t looks = 0;
  std::thread reader([&] {
    try {
      for (std::size_t before = 0; !ended; ++looks) {
        const auto alerts = history(folder.file(), {});
        require(alerts.size() >= before, "alerts are gone");
        for (std::size_t i = 0; i < alerts.size(); ++i) {
          require(alerts[i].seq == i + 1, "alerts with a gap");
        }
        before = alerts.size();
      }
    } catch (const std::exception& error) {
      trouble = error.what();
    }
  });
  std::optional<std::string> error;
  for (std::uint64_t n = 2; n <= 300 && !error; ++n) {
    monitor.clocks = clocks_at(static_cast<std::int64_t>(n));
    fill(monitor, n);
    error = monitor.write();
  }
  ended = true;
  reader.join();
  CHECK_FALSE(error);
  CHECK(trouble.empty());
  CHECK(looks > 0);
  CHECK(person.number("SELECT count(*) FROM alerts") == 1);
  CHECK(history(folder.file(), {}).size() == 300);
}

TEST_CASE("the log stays bounded under commits without a pause") {
  const Folder folder;
  Monitor monitor(folder.file());
  constexpr std::uintmax_t log_max = 300'000'000;
  std::uintmax_t largest = 0;
  std::uintmax_t written = 0;
  while (written < 2 * log_max && largest < log_max) {
    for (std::uint32_t i = 0; i < 1'000; ++i) {  // each on a page of its own
      RunRecord run = run_at(i * 8, i + 1, 0);
      run.detail = std::string(3'000, 'd');
      monitor.next.runs.push_back(run);
    }
    monitor.add_alert();
    REQUIRE_FALSE(monitor.write());
    written += 1'000 * 4'096;
    largest = std::max(largest, std::filesystem::file_size(folder.file() + "-wal"));
  }
  CHECK(largest < log_max);
}

TEST_CASE("that the log cannot be brought into the file is said with a batch") {
  const Folder folder;
  const auto run_on_page = [](std::uint32_t page) {
    RunRecord run = run_at(page, page + 1, 0);
    run.detail = std::string(3'000, 'd');
    return run;
  };
  constexpr std::uint32_t pages = 20'000;  // 80 MB
  {
    Monitor monitor(folder.file());
    for (std::uint32_t page = 0; page < pages; ++page) {
      monitor.next.runs.push_back(run_on_page(page));
    }
    REQUIRE_FALSE(monitor.write());
  }
  Child child([&](int) {
    signal(SIGXFSZ, SIG_IGN);
    Monitor monitor(folder.file());
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 60'000'000;  // the file is beyond it, the log is not
    setrlimit(RLIMIT_FSIZE, &limit);
    for (std::uint32_t page = pages - 3'000; page < pages; ++page) {
      monitor.next.runs.push_back(run_on_page(page));
    }
    require(!monitor.write(), "not written");
    StateFile& file = monitor.file();
    std::optional<std::string> warning;
    while (!warning) {  // on a slow disk the log may reach the limit meanwhile
      file.write(std::make_unique<Batch>(monitor.next), monitor.clocks);
      const auto written = file.wait_written(patience);
      require(written.has_value(), "what became of a batch is not known in time");
      warning = written->warning;
    }
    require(warning->starts_with(folder.file() + ": ") &&
                warning->find("File too large") != std::string::npos,
            *warning);
  });
  CHECK(child.wait() == 0);
}

TEST_CASE("that a reader lets the log grow is said while it does, and no longer") {
  const Folder folder;
  Monitor monitor(folder.file());
  const auto write = [&monitor] {
    auto batch = std::make_unique<Batch>();
    batch->globals = monitor.next.globals;
    for (std::uint32_t i = 0; i < 1'000; ++i) {
      RunRecord run = run_at(i * 8, i + 1, 0);  // each on a page of its own
      run.detail = std::string(3'000, 'd');
      batch->runs.push_back(run);
    }
    monitor.file().write(std::move(batch), monitor.clocks);
    const auto written = monitor.file().wait_written(patience).value();
    REQUIRE_FALSE(written.error);
    return written.warning;
  };
  const auto log_size = [&folder] { return std::filesystem::file_size(folder.file() + "-wal"); };
  write();
  {
    Connection person(folder.file(), Connection::Access::read, Duration{0});
    const Transaction past(person, "BEGIN");
    person.number("SELECT count(*) FROM runs");
    std::optional<std::string> warning;
    while (!warning && log_size() < 300'000'000) {
      warning = write();
    }
    REQUIRE(warning);
    INFO(*warning);
    CHECK(warning->starts_with(folder.file() + ": a reader keeps its log from beginning anew"));
    CHECK(log_size() > 120'000'000);
  }
  while (log_size() > 100'000'000) {  // it begins anew, and is cut to what is usual
    REQUIRE(log_size() < 500'000'000);
    write();
  }
  for (int batches = 0; batches < 10; ++batches) {
    CHECK_FALSE(write());
  }
}

TEST_CASE("that alerts which are too old cannot be removed is said once, until they can be again") {
  const Folder folder;
  { const Monitor first(folder.file()); }
  const char* hinder =
      "CREATE TRIGGER hinder BEFORE DELETE ON alerts BEGIN SELECT RAISE(FAIL, 'no'); END";
  Connection person(folder.file(), Connection::Access::write, patience);
  person.run(hinder);
  Monitor monitor(folder.file(), clocks_at(0), 1, 2);
  // Batches as far apart as the file is looked through for what is old.
  std::int64_t now_ms = 0;
  const auto write = [&] {
    auto batch = std::make_unique<Batch>();
    auto& globals = monitor.next.globals;
    batch->alerts = {alert_of("e1", ++globals.alert_seq, wall_at(0))};
    globals.published = globals.alert_seq;
    batch->globals = globals;
    monitor.file().write(std::move(batch), clocks_at(now_ms += 60'001));
    const auto written = monitor.file().wait_written(patience).value();
    REQUIRE_FALSE(written.error);
    return written.warning;
  };
  const auto first_said = [&write] {
    for (int batches = 0; batches < 1'000; ++batches) {
      if (const auto said = write()) {
        return *said;
      }
    }
    return std::string();
  };
  CHECK(first_said() == folder.file() + ": alerts that are too old cannot be removed (no)");
  for (int batches = 0; batches < 20; ++batches) {
    CHECK_FALSE(write());
  }
  person.run("DROP TRIGGER hinder");
  while (history(folder.file(), {}).size() > 10) {
    CHECK_FALSE(write());
  }
  person.run(hinder);
  CHECK_FALSE(first_said().empty());
}

TEST_CASE("another program that writes fails the batch, and later ones succeed again") {
  const Folder folder;
  Monitor monitor(folder.file());
  REQUIRE_FALSE(monitor.write());
  {
    Connection person(folder.file(), Connection::Access::write, Duration{0});
    const Transaction writing(person, "BEGIN IMMEDIATE");
    const auto error = monitor.write();
    REQUIRE(error);
    CHECK(error->find("another program is writing to it") != std::string::npos);
  }
  CHECK_FALSE(monitor.write());
}

TEST_CASE("who lost its lock file, so that another monitor can have one, writes no more") {
  const Folder folder;
  auto monitor = std::make_unique<Monitor>(folder.file());
  REQUIRE_FALSE(monitor->write());
  std::filesystem::remove(folder.file() + ".lock");
  const Monitor another(folder.file());
  const auto error = monitor->write();
  REQUIRE(error);
  CHECK(error->find("was moved or removed while in use") != std::string::npos);
  INFO("also not at its end, when the other has not ended");
  monitor.reset();
  Connection reader(folder.file(), Connection::Access::read, patience);
  CHECK(reader.number("SELECT closed FROM globals") == 0);
}

TEST_CASE("what would be committed to a log that was removed or replaced fails") {
  const Folder folder;
  std::filesystem::create_symlink(folder.file(), folder.file("link"));
  Monitor monitor(folder.file(GENERATE("state", "link")));
  REQUIRE_FALSE(monitor.write());
  const std::string log = folder.file() + "-wal";
  SECTION("removed") { std::filesystem::remove(log); }
  SECTION("replaced") {
    std::filesystem::rename(log, log + ".old");
    std::filesystem::copy(log + ".old", log);
  }
  const auto error = monitor.write();
  REQUIRE(error);
  CHECK(error->find("was moved or removed while in use") != std::string::npos);
}

}  // namespace heartbeat::store
