#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>

#include "store/sqlite.hpp"
#include "support/catch.hpp"
#include "support/state_files.hpp"

namespace heartbeat::store {
namespace {

// As another user than root, whom permissions do not stop. For this thread, and those it starts.
class Unprivileged {
 public:
  Unprivileged() { setfsuid(nobody); }
  ~Unprivileged() { setfsuid(geteuid()); }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

 private:
  static constexpr uid_t nobody = 65'534;
};

std::string message_of(const std::function<void()>& use) {
  try {
    use();
  } catch (const Unusable& error) {
    return error.what();
  }
  return "(usable)";
}

// One line that names the file, and says this of it.
void check_message(const std::string& message, const std::string& path, const std::string& says) {
  INFO(message);
  CHECK(message.starts_with(path + ": "));
  CHECK(message.find(says) != std::string::npos);
  CHECK(std::count(message.begin(), message.end(), '\n') == 0);
  CHECK(message.find("; ") != std::string::npos);  // and what would be right
}

void refuses(const std::string& path, const std::string& says) {
  check_message(message_of([&] { Monitor monitor(path); }), path, says);
}

// Who only reads must not be told to move away what a monitor may have open.
void history_refuses(const std::string& path, const std::string& says) {
  const std::string message = message_of([&] { history(path, {}); });
  check_message(message, path, says);
  CHECK(message.find("move it away") == std::string::npos);
}

void both_refuse(const std::string& path, const std::string& says) {
  refuses(path, says);
  history_refuses(path, says);
}

// A file with some runs and alerts, closed.
std::string written(const Folder& folder) {
  Monitor monitor(folder.file());
  for (std::uint32_t slot = 0; slot < 200; ++slot) {
    monitor.next.runs.push_back(run_at(slot, slot + 1, 0));
    monitor.add_alert();
  }
  monitor.next.activity = {{0, {{1, at(1), {}}}}};
  monitor.next.sources = {source_at(0, "s")};
  if (const auto error = monitor.write()) {
    throw std::runtime_error(*error);
  }
  return folder.file();
}

void put(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

void change(const std::string& path, const char* sql) {
  Connection(path, Connection::Access::write, Duration{0}).run(sql);
}

}  // namespace

TEST_CASE("what is no state file is refused and left as it is") {
  const Folder folder;
  const std::string path = folder.file();
  SECTION("a text") {
    const std::string text(5'000, 'x');
    put(path, text);
    both_refuse(path, "is no state file");
    std::ifstream file(path);
    CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == text);
  }
  SECTION("a short text") {
    put(path, "hello\n");
    both_refuse(path, "is no state file");
  }
  SECTION("zeros") {
    put(path, std::string(8'192, '\0'));
    both_refuse(path, "is no state file");
  }
  SECTION("a database of another program") {
    change(path, "CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')");
    both_refuse(path, "a database of another program");
    Connection connection(path, Connection::Access::read, Duration{0});
    CHECK(connection.text("PRAGMA journal_mode") == "delete");
  }
  SECTION("a folder") {
    std::filesystem::create_directory(path);
    both_refuse(path, "is a folder");
  }
  SECTION("a pipe") {
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    both_refuse(path, "is no plain file");
  }
}

TEST_CASE("a state file that was damaged is refused as corrupt") {
  const Folder folder;
  const std::string path = written(folder);
  const auto size = std::filesystem::file_size(path);
  SECTION("cut in the middle") {
    std::filesystem::resize_file(path, size / 2);
    both_refuse(path, "corrupt");
  }
  SECTION("cut to nothing, but its log is there") {
    std::filesystem::resize_file(path, 0);
    put(path + "-wal", std::string(4'096, 'w'));
    both_refuse(path, "it is empty, but not " + path + "-wal");
  }
  SECTION("pages overwritten") {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(4'096);
    file << std::string(size - 4'096, '\xff');
    file.close();
    both_refuse(path, "corrupt");
  }
  SECTION("a page overwritten that only history reads") {
    const auto page =
        Connection(path, Connection::Access::read, Duration{0})
            .number("SELECT rootpage FROM sqlite_schema WHERE name = 'alerts_by_time'");
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp((page - 1) * 4'096);
    file << std::string(4'096, '\xff');
    file.close();
    both_refuse(path, "corrupt");
  }
  SECTION("without its tables") {
    change(path, "DROP TABLE runs");
    refuses(path, "no such table: runs");
  }
  SECTION("with a version that has never been") {
    change(path, "PRAGMA user_version = 0");
    both_refuse(path, "corrupt (version 0");
  }
}

TEST_CASE("a value that no monitor writes is refused, with its table and column") {
  const Folder folder;
  const std::string path = written(folder);
  const auto sets = [&path](const std::string& sql, const std::string& says) {
    change(path, ("PRAGMA ignore_check_constraints = ON; " + sql).c_str());
    refuses(path, says);
  };
  SECTION("a word that is none") { sets("UPDATE runs SET state = 'asleep'", "corrupt"); }
  SECTION("a negative count") {
    sets("UPDATE runs SET source_slot = -1", "a row of runs: source_slot is -1, out of range");
  }
  SECTION("a large count") {
    sets("UPDATE sources SET incarnation = 1 << 32",
         "a row of sources: incarnation is 4294967296, out of range");
  }
  SECTION("a truth that is neither") {
    sets("UPDATE runs SET stale = 2", "a row of runs: stale is 2, out of range");
  }
  SECTION("a negative duration") {
    sets("UPDATE runs SET promise = -1", "a row of runs: promise is -1, out of range");
  }
  SECTION("an instant beyond all time") {
    sets("UPDATE runs SET started = 9223372036854775807", "a row of runs: started is 9223");
  }
  SECTION("a block that is no block") {
    sets("UPDATE activity SET last_activity = x'00'", "a row of activity: first_slot 0 with 1");
  }
  SECTION("a block that is too long") {
    sets("UPDATE activity SET last_activity = zeroblob(24600)", "with 24600 bytes");
  }
  SECTION("a block that begins anywhere") {
    sets("UPDATE activity SET first_slot = 5", "a row of activity: first_slot 5");
  }
  SECTION("an instant in a block beyond all time") {
    sets("UPDATE activity SET last_activity = x'0100000000000000ffffffffffffff7f0000000000000000'",
         "a row of activity: a time of 9223");
  }
  SECTION("a negative pause in a block") {
    sets("UPDATE activity SET last_activity = x'01000000000000000000000000000000ffffffffffffffff'",
         "a row of activity: a time of -1 ms");
  }
  SECTION("an alert beyond the last seq") {
    sets("UPDATE globals SET alert_seq = 199", "an alert of seq 200, but alert_seq is 199");
  }
}

TEST_CASE("a file of a newer version is refused, and both versions are named") {
  const Folder folder;
  const std::string path = written(folder);
  change(path, "PRAGMA user_version = 3");
  both_refuse(path, "is of version 3, this program knows those up to 2");
}

TEST_CASE("a file of a version that is read no more is refused") {
  const Folder folder;
  const std::string path = written(folder);
  change(path, "PRAGMA user_version = 1");
  both_refuse(path, "is of version 1, which this program reads no more");
}

TEST_CASE("a second monitor is refused, and the first is named") {
  const Folder folder;
  const Monitor first(folder.file());
  refuses(folder.file(), "another monitor (process " + std::to_string(getpid()) + ") has it open");
  INFO("also where its id is not to be read");
  put(folder.file() + ".lock", "");
  refuses(folder.file(), "another monitor has it open");
}

TEST_CASE("the lock is gone with the monitor, its file stays") {
  const Folder folder;
  { const Monitor first(folder.file()); }
  CHECK(std::filesystem::exists(folder.file() + ".lock"));
  const Monitor second(folder.file());
}

TEST_CASE("a file that only has the name of a lock is left as it is") {
  const Folder folder;
  const std::string lock = folder.file("Cargo.lock");
  const std::string text =
      GENERATE(as<std::string>(), "# generated\n", "4711 packages\n", std::string(30, '1') + "\n");
  put(lock, text);
  refuses(folder.file("Cargo"), "is another program's");
  std::ifstream file(lock);
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == text);
  CHECK_FALSE(std::filesystem::exists(folder.file("Cargo")));
}

TEST_CASE("a lock that an earlier monitor left, or a power cut, is used again") {
  const Folder folder;
  put(folder.file() + ".lock",
      GENERATE(as<std::string>(), "", "4194304\n", "4711", std::string(8, '\0')));
  const Monitor monitor(folder.file());
  refuses(folder.file(), "another monitor (process " + std::to_string(getpid()) + ")");
}

TEST_CASE("a second monitor is refused by whatever link it names the file") {
  const Folder folder;
  std::filesystem::create_directory(folder.file("real"));
  std::filesystem::create_symlink("real/state", folder.file("link"));
  std::filesystem::create_symlink(folder.file("link"), folder.file("link-to-link"));
  const std::string path = folder.file("real/state");
  std::string first;
  SECTION("which made the file") { first = folder.file("link"); }
  SECTION("the first names it by none") { first = path; }
  SECTION("the first names it by two") { first = folder.file("link-to-link"); }
  const Monitor monitor(first);
  for (const char* name : {"link", "link-to-link", "real/state"}) {
    check_message(message_of([&] { const Monitor second(folder.file(name)); }), path,
                  "another monitor");
  }
}

TEST_CASE("a link that leads to no file that can be is refused") {
  const Folder folder;
  std::filesystem::create_symlink("no/state", folder.file("link"));
  check_message(message_of([&] { const Monitor monitor(folder.file("link")); }),
                folder.file("no/state"), "there is no folder " + folder.file("no"));
  std::filesystem::create_symlink("loop", folder.file("loop"));
  both_refuse(folder.file("loop"), "Too many levels of symbolic links");
}

TEST_CASE("a log that may not be read is not passed over, by whatever link the file is named") {
  const Folder folder;
  const std::string path = written(folder);
  std::filesystem::create_symlink(path, folder.file("link"));
  chmod(folder.path().c_str(), 0755);
  chmod((path + "-shm").c_str(), 0000);
  const Unprivileged user;
  check_message(message_of([&] { history(folder.file("link"), {}); }), path, "cannot be opened");
}

TEST_CASE("the log of a closed file stays, so that no reader makes one that is the reader's own") {
  const Folder folder;
  const std::string path = written(folder);
  CHECK(std::filesystem::exists(path + "-wal"));
  CHECK(std::filesystem::file_size(path + "-wal") == 0);
}

TEST_CASE("a file in a folder that is not there is refused, and the folder named") {
  const Folder folder;
  refuses(folder.file("no/state"), "there is no folder " + folder.file("no"));
  history_refuses(folder.file("no/state"), "there is no such file");
}

TEST_CASE("what may not be written is refused, but its history can be read") {
  const Folder folder;
  const std::string path = written(folder);
  SECTION("the file") {
    std::filesystem::remove(path + ".lock");
    chmod(folder.path().c_str(), 0777);
    chmod(path.c_str(), 0444);
    const Unprivileged user;
    refuses(path, "is read-only for this user");
    CHECK(history(path, {}).size() == 200);
  }
  SECTION("its folder") {
    std::filesystem::remove(path + ".lock");
    chmod(folder.path().c_str(), 0555);
    const Unprivileged user;
    refuses(path, "cannot open " + path + ".lock beside it: Permission denied");
    CHECK(history(path, {}).size() == 200);
  }
  SECTION("its folder, and there is no log") {
    std::filesystem::remove(path + "-wal");
    std::filesystem::remove(path + "-shm");
    chmod(folder.path().c_str(), 0555);
    const Unprivileged user;
    CHECK(history(path, {}).size() == 200);
    CHECK_FALSE(std::filesystem::exists(path + "-wal"));
  }
  chmod(folder.path().c_str(), 0700);
}

TEST_CASE("what may not be read is refused") {
  const Folder folder;
  const std::string path = written(folder);
  chmod(folder.path().c_str(), 0777);
  chmod(path.c_str(), 0000);
  chmod((path + ".lock").c_str(), 0666);
  const Unprivileged user;
  both_refuse(path, "Permission denied");
}

TEST_CASE("history of a file into which nothing has been written yet is said to be so") {
  const Folder folder;
  SECTION("an empty file") { put(folder.file(), ""); }
  SECTION("a log has been made for it") { change(folder.file(), "PRAGMA journal_mode = WAL"); }
  history_refuses(folder.file(), "nothing has been written to it yet");
}

TEST_CASE("history of a file that is not there is refused, and none is made") {
  const Folder folder;
  history_refuses(folder.file(), "there is no such file");
  CHECK_FALSE(std::filesystem::exists(folder.file()));
}

TEST_CASE("a file that was removed while in use is said to be so by the next batch") {
  const Folder folder;
  Monitor monitor(folder.file());
  REQUIRE_FALSE(monitor.write());
  std::filesystem::remove(folder.file());
  const auto error = monitor.write();
  REQUIRE(error);
  check_message(*error, folder.file(), "was moved or removed while in use");
}

}  // namespace heartbeat::store
