#include "store/sqlite.hpp"

#include <sqlite3.h>

#include <cstring>

namespace heartbeat::store {

namespace {

// What the system said; 0 = nothing. SQLite does not pass it on from a commit, but its files know.
int system_error(sqlite3* handle) {
  if (const int error = sqlite3_system_errno(handle); error != 0) {
    return error;
  }
  int error = 0;
  sqlite3_file* log = nullptr;
  sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (log != nullptr && log->pMethods != nullptr) {
    log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error);
  }
  return error;
}

}  // namespace

SqlError error_of(sqlite3* handle, int code) {
  std::string what = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  const int os_error = handle != nullptr ? system_error(handle) : 0;
  const int primary = code & 0xff;
  if (os_error != 0 && (primary == SQLITE_IOERR || primary == SQLITE_FULL ||
                        primary == SQLITE_CANTOPEN || primary == SQLITE_READONLY)) {
    what += std::string(" (") + std::strerror(os_error) + ")";
  }
  return {primary, what};
}

namespace {

// For an immutable file, which only an URI can say.
std::string uri_of(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '?' || c == '#' || c == '%') {
      constexpr const char* digits = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      uri += {'%', digits[byte >> 4U], digits[byte & 15U]};
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

void Connection::Close::operator()(sqlite3* handle) const { sqlite3_close(handle); }

Connection::Connection(const std::string& path, Access access, Duration wait) {
  const bool immutable = access == Access::immutable;
  const int mode =
      access == Access::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(
      immutable ? uri_of(path).c_str() : path.c_str(), &handle,
      mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (immutable ? SQLITE_OPEN_URI : 0),
      nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) {
    throw error_of(handle, code);
  }
  sqlite3_busy_timeout(handle, static_cast<int>(wait.count()));
  // Who wrote the file may be anybody: its schema runs nothing, and its cells are looked at.
  run("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
}

void Connection::run(const char* sql) {
  const int code = sqlite3_exec(get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) {
    throw error_of(get(), code);
  }
}

std::int64_t Connection::number(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.number(0) : 0;
}

std::string Connection::text(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? std::string(statement.text(0)) : std::string();
}

void Statement::Finalize::operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }

Statement::Statement(Connection& connection, const std::string& sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(connection.get(), sql.c_str(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) {
    throw error_of(connection.get(), code);
  }
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) {
    throw error_of(sqlite3_db_handle(handle_.get()), code);
  }
}

void Statement::bind(int parameter, std::int64_t number) {
  check(sqlite3_bind_int64(handle_.get(), parameter, number));
}

void Statement::bind_text(int parameter, std::string_view text) {
  // A view without bytes may have no address, which SQLite would take for NULL.
  check(sqlite3_bind_text64(handle_.get(), parameter, text.empty() ? "" : text.data(), text.size(),
                            SQLITE_STATIC, SQLITE_UTF8));
}

void Statement::bind_bytes(int parameter, std::string_view bytes) {
  check(sqlite3_bind_blob64(handle_.get(), parameter, bytes.empty() ? "" : bytes.data(),
                            bytes.size(), SQLITE_STATIC));
}

void Statement::bind_null(int parameter) { check(sqlite3_bind_null(handle_.get(), parameter)); }

bool Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  const SqlError error = error_of(sqlite3_db_handle(handle_.get()), code);
  reset();
  throw error;
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() { sqlite3_reset(handle_.get()); }

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}
bool Statement::is_number(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_INTEGER;
}
bool Statement::is_text(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_TEXT;
}
bool Statement::is_bytes(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_BLOB;
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}

std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  return {text == nullptr ? "" : text,
          static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::string_view Statement::bytes(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
  return {bytes == nullptr ? "" : bytes,
          static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

Transaction::Transaction(Connection& connection, const char* begin) : connection_(connection) {
  connection_.run(begin);
}

Transaction::~Transaction() {
  // Some errors have rolled back already.
  if (sqlite3_get_autocommit(connection_.get()) == 0) {
    sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

void Transaction::commit() { connection_.run("COMMIT"); }

}  // namespace heartbeat::store
