// SQLite's handles with one owner each, and its errors as exceptions.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "heartbeat/time.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace heartbeat::store {

// what(): SQLite's words, and the system's behind them.
class SqlError : public std::runtime_error {
 public:
  SqlError(int code, const std::string& what) : std::runtime_error(what), code_(code) {}
  // Without SQLite's extensions: SQLITE_FULL, SQLITE_CORRUPT, …
  int code() const { return code_; }

 private:
  int code_;
};

// From what a call to SQLite returned.
SqlError error_of(sqlite3* handle, int code);

// For one thread at a time.
class Connection {
 public:
  // `immutable`: nobody writes to the file, so nothing is made or locked beside it.
  enum class Access : std::uint8_t { write, read, immutable };
  // `wait`: for locks that others hold.
  Connection(const std::string& path, Access access, Duration wait);

  sqlite3* get() const { return handle_.get(); }
  // Statements without parameters and answers.
  void run(const char* sql);
  // The first value of the answer.
  std::int64_t number(const char* sql);
  std::string text(const char* sql);

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

// Parameters count from 1, columns from 0, as in SQLite.
class Statement {
 public:
  Statement(Connection& connection, const std::string& sql);

  void bind(int parameter, std::int64_t number);
  // The bytes must live until the next reset().
  void bind_text(int parameter, std::string_view text);
  void bind_bytes(int parameter, std::string_view bytes);
  void bind_null(int parameter);

  // True: there is a row. False: it is done, and was reset.
  bool step();
  // For statements without an answer.
  void run();
  void reset();

  bool is_null(int column) const;
  bool is_number(int column) const;
  bool is_text(int column) const;
  bool is_bytes(int column) const;
  std::int64_t number(int column) const;
  // Both until the next step().
  std::string_view text(int column) const;
  std::string_view bytes(int column) const;

 private:
  void check(int code) const;

  struct Finalize {
    void operator()(sqlite3_stmt* handle) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// Rolls back what was not committed.
class Transaction {
 public:
  // `begin`: BEGIN to read, BEGIN IMMEDIATE to write.
  Transaction(Connection& connection, const char* begin);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Connection& connection_;
};

}  // namespace heartbeat::store
