#include "store/opening.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "store/tables.hpp"

namespace heartbeat::store {

namespace {

// A check of every page reads the whole file: a second for some hundred megabytes. In larger files
// only what load() reads is checked, value by value.
constexpr std::int64_t checked_whole_max = 32 * 1024 * 1024;

constexpr Duration wait_at_start{1'000};  // for a reader that recovers the file after a crash
constexpr Duration wait_of_writer{50};    // for a person with sqlite3: readers hold up nobody

std::string or_begin_anew(Connection::Access access) {
  return access == Connection::Access::write ? ", or move it away to begin with an empty one" : "";
}

constexpr int links_max = 40;  // the kernel's: beyond them it finds no file

// False: there is no such file.
bool check_kind(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) {
      return false;
    }
    throw Unusable(path + ": cannot be reached (" + std::strerror(errno) + "); name another");
  }
  if (S_ISDIR(status.st_mode)) {
    throw Unusable(path + ": is a folder; name a file");
  }
  if (!S_ISREG(status.st_mode)) {
    throw Unusable(path + ": is no plain file; name one, or one that does not exist yet");
  }
  // SQLite would take it for a new one, and throw the log away.
  struct stat log {};
  if (status.st_size == 0 && stat((path + "-wal").c_str(), &log) == 0 && log.st_size > 0) {
    throw Corrupt("it is empty, but not " + path + "-wal");
  }
  return true;
}

bool is_new(Connection& connection) {
  return connection.number("PRAGMA application_id") == 0 &&
         connection.number("PRAGMA user_version") == 0 &&
         connection.number("SELECT count(*) FROM sqlite_schema") == 0;
}

void check_identity(const std::string& path, Connection& connection, Connection::Access access) {
  if (connection.number("PRAGMA application_id") != application_id) {
    throw Unusable(path + ": is no state file, but a database of another program; name another");
  }
  const std::int64_t version = connection.number("PRAGMA user_version");
  if (version > schema_version) {
    throw Unusable(path + ": is of version " + std::to_string(version) +
                   ", this program knows those up to " + std::to_string(schema_version) +
                   "; use the newer program that wrote it" + or_begin_anew(access));
  }
  if (version < 1) {
    throw Corrupt("version " + std::to_string(version) + " has never been");
  }
  if (version < schema_version) {
    throw Unusable(path + ": is of version " + std::to_string(version) +
                   ", which this program reads no more; name another" + or_begin_anew(access));
  }
}

void check_pages(Connection& connection) {
  if (connection.number("PRAGMA page_count") * connection.number("PRAGMA page_size") <=
      checked_whole_max) {
    const std::string verdict = connection.text("PRAGMA quick_check(1)");
    if (verdict != "ok") {
      // Its first line may be no more than a heading.
      const std::size_t heading = verdict.starts_with("***") ? verdict.find('\n') + 1 : 0;
      throw Corrupt(verdict.substr(heading, verdict.find('\n', heading) - heading));
    }
  }
}

// Commits do not wait for the disk, and no reader or checkpoint holds them up.
void set_up_writing(const std::string& path, Connection& connection) {
  if (connection.text("PRAGMA journal_mode = WAL") != "wal") {
    throw Unusable(path + ": no write-ahead log is possible there; name a file on a local disk");
  }
  connection.run(
      "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY; "
      "PRAGMA journal_size_limit = 16777216; PRAGMA cache_size = -16384");
  // The log stays at the end: else a reader would make a new one, owned by who reads.
  int persist = 1;
  sqlite3_file_control(connection.get(), "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
  sqlite3_busy_timeout(connection.get(), static_cast<int>(wait_of_writer.count()));
}

// Read-only, and in a folder where this user may not write, SQLite cannot make the files beside it
// that it needs to share it. Without a log nobody has it open, and it is complete by itself.
Connection connect_to_read(const std::string& path) {
  const std::string absolute = std::filesystem::absolute(path).string();
  try {
    Connection connection(absolute, Connection::Access::read, wait_at_start);
    connection.number("PRAGMA application_id");
    return connection;
  } catch (const SqlError& error) {
    if ((error.code() != SQLITE_CANTOPEN && error.code() != SQLITE_READONLY) ||
        std::filesystem::exists(absolute + "-wal")) {
      throw;
    }
  }
  return {absolute, Connection::Access::immutable, wait_at_start};
}

}  // namespace

std::string behind_links(std::string path) {
  std::error_code no_link;
  for (int links = 0; links < links_max; ++links) {
    const std::filesystem::path target = std::filesystem::read_symlink(path, no_link);
    if (no_link) {
      break;
    }
    path = std::filesystem::path(path).parent_path() / target;
  }
  return path;
}

void check_place(const std::string& path) {
  const auto parent = std::filesystem::absolute(path).parent_path();
  std::error_code error;
  if (!std::filesystem::is_directory(parent, error)) {
    throw Unusable(path + ": there is no folder " + parent.string() +
                   "; create it, or name a file in another");
  }
  in_words(path, Connection::Access::write, [&path] { return check_kind(path); });
}

Connection open_for_writing(const std::string& path) {
  constexpr auto access = Connection::Access::write;
  return in_words(path, access, [&path] {
    Connection connection = open_beside(path);
    if (sqlite3_db_readonly(connection.get(), "main") == 1) {
      throw Unusable(path + ": is read-only for this user; make it writable, or name another");
    }
    const bool fresh = is_new(connection);
    if (!fresh) {
      check_identity(path, connection, access);
    }
    set_up_writing(path, connection);
    if (fresh) {
      create_tables(connection);
    } else {
      check_pages(connection);
      // A file of this version may be older than this table.
      connection.run(create_sql<Downtime>("CREATE TABLE IF NOT EXISTS").c_str());
    }
    return connection;
  });
}

void create_tables(Connection& connection) {
  Transaction transaction(connection, "BEGIN IMMEDIATE");
  connection.run(create_sql<Header>().c_str());
  connection.run(create_sql<RunRecord>().c_str());
  connection.run(create_activity);
  connection.run(create_sql<SourceRecord>().c_str());
  connection.run(create_sql<AlertRecord>().c_str());
  connection.run(create_sql<Downtime>().c_str());
  connection.run(create_alerts_by_time);
  connection.run(("PRAGMA application_id = " + std::to_string(application_id)).c_str());
  connection.run(("PRAGMA user_version = " + std::to_string(schema_version)).c_str());
  transaction.commit();
}

Connection open_beside(const std::string& path) {
  // Absolute, so that no build of SQLite takes a name for a URI.
  return {std::filesystem::absolute(path).string(), Connection::Access::write, wait_at_start};
}

Connection open_for_reading(const std::string& path) {
  constexpr auto access = Connection::Access::read;
  return in_words(path, access, [&path] {
    if (!check_kind(path)) {
      throw Unusable(path + ": there is no such file; name the one that a monitor writes");
    }
    Connection connection = connect_to_read(path);
    if (is_new(connection)) {
      throw Unusable(path +
                     ": nothing has been written to it yet; name the one that a monitor writes");
    }
    check_identity(path, connection, access);
    return connection;
  });
}

std::string unusable(const std::string& path, const SqlError& error, Connection::Access access) {
  const std::string what = error.what();
  switch (error.code()) {
    case SQLITE_NOTADB:
      return path + ": is no state file (" + what + "); name another" + or_begin_anew(access);
    case SQLITE_CORRUPT:
    case SQLITE_ERROR:  // of statements that are right: a table or column is not there
      return unusable(path, Corrupt(what), access);
    case SQLITE_READONLY:
      return path + ": is read-only for this user (" + what +
             "); it and its folder must be writable";
    case SQLITE_BUSY:
      return path + ": another program is writing to it (" + what + "); end that one";
    case SQLITE_FULL:
      return path + ": no room (" + what + "); free some, or name a file on another disk";
    case SQLITE_CANTOPEN:
      return path + ": cannot be opened (" + what +
             "); the file and its folder must be there and writable";
    case SQLITE_IOERR:
      return path + ": cannot be read or written (" + what +
             "); see whether its disk is in order, or name a file on another";
    default:
      return path + ": cannot be used (" + what + ")";
  }
}

std::string unusable(const std::string& path, const Corrupt& error, Connection::Access access) {
  return path + ": corrupt (" + error.what() + "); name another" + or_begin_anew(access);
}

}  // namespace heartbeat::store
