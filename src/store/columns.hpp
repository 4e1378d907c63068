// A table is described once: its columns with the members they hold. Creating it, writing a record,
// and reading one with every value checked are made from that.
#pragma once

#include <algorithm>
#include <concepts>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "heartbeat/time.hpp"
#include "store/sqlite.hpp"

namespace heartbeat::store {

// A row that no monitor wrote: what() says which, and what is wrong with it.
class Corrupt : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class Content : std::uint8_t { text, bytes };  // of a string

// `get`: a member pointer, or a callable that gives the member of a record. `words`: all that a
// text may be; empty = any.
template <class Get>
struct Column {
  std::string_view name;
  Get get;
  std::span<const std::string_view> words{};
  Content content = Content::text;
};
template <class Get>
Column(std::string_view, Get) -> Column<Get>;
template <class Get>
Column(std::string_view, Get, std::span<const std::string_view>) -> Column<Get>;
template <class Get>
Column(std::string_view, Get, std::span<const std::string_view>, Content) -> Column<Get>;

// Specialised for each record: `name`, `constraints` (of the key), and `columns`, a tuple.
template <class Record>
struct Table;

template <class Value>
struct IsOptional : std::false_type {};
template <class Value>
struct IsOptional<std::optional<Value>> : std::true_type {};

template <class Value>
concept Time =
    std::same_as<Value, Instant> || std::same_as<Value, WallTime> || std::same_as<Value, Duration>;

// Farther from zero no time is believed, so that sums of some of them fit.
inline constexpr std::int64_t time_max_ms = std::int64_t{1} << 60;

constexpr std::int64_t milliseconds(Duration time) { return time.count(); }
template <class Clock>
constexpr std::int64_t milliseconds(std::chrono::time_point<Clock, Duration> time) {
  return time.time_since_epoch().count();
}

// Strings must live until the statement is reset. `ahead`: what instants in the file are ahead of
// the program's.
template <class Value>
void bind_value(Statement& statement, int parameter, Content content, Duration ahead,
                const Value& value) {
  if constexpr (IsOptional<Value>::value) {
    value ? bind_value(statement, parameter, content, ahead, *value)
          : statement.bind_null(parameter);
  } else if constexpr (std::same_as<Value, Instant>) {
    statement.bind(parameter, milliseconds(value + ahead));
  } else if constexpr (Time<Value>) {
    statement.bind(parameter, milliseconds(value));
  } else if constexpr (std::integral<Value>) {
    statement.bind(parameter, static_cast<std::int64_t>(value));
  } else if (content == Content::bytes) {
    statement.bind_bytes(parameter, value);
  } else {
    statement.bind_text(parameter, value);
  }
}

// How instants in the file become the program's: none is later than `latest`, and they are `ahead`.
struct Shift {
  Duration ahead{};
  std::int64_t latest_ms = time_max_ms;

  Instant instant(std::int64_t ms) const {
    return Instant{Duration{std::min(ms, latest_ms)} - ahead};
  }
};

// Throws std::range_error with what is wrong; the caller knows where.
template <class Value>
void read_value(const Statement& row, int column, std::span<const std::string_view> words,
                Content content, const Shift& shift, Value& out) {
  if constexpr (IsOptional<Value>::value) {
    out.reset();
    if (!row.is_null(column)) {
      read_value(row, column, words, content, shift, out.emplace());
    }
  } else if constexpr (std::same_as<Value, std::string>) {
    if (content == Content::bytes) {
      if (!row.is_bytes(column)) {
        throw std::range_error("is no blob");
      }
      out = row.bytes(column);
      return;
    }
    if (!row.is_text(column)) {
      throw std::range_error("is no text");
    }
    const std::string_view text = row.text(column);
    if (!words.empty() && std::find(words.begin(), words.end(), text) == words.end()) {
      throw std::range_error("is '" + std::string(text) + "', which is no such word");
    }
    out = text;
  } else {
    if (!row.is_number(column)) {
      throw std::range_error("is no number");
    }
    const std::int64_t number = row.number(column);
    const auto require = [number](std::int64_t min, std::int64_t max) {
      if (number < min || number > max) {
        throw std::range_error("is " + std::to_string(number) + ", out of range");
      }
    };
    if constexpr (std::same_as<Value, Duration>) {
      require(0, time_max_ms);
      out = Duration{number};
    } else if constexpr (std::same_as<Value, Instant>) {
      require(-time_max_ms, time_max_ms);
      out = shift.instant(number);
    } else if constexpr (Time<Value>) {
      require(-time_max_ms, time_max_ms);
      out = Value{Duration{number}};
    } else if constexpr (sizeof(Value) < sizeof number) {
      require(0, static_cast<std::int64_t>(std::numeric_limits<Value>::max()));
      out = static_cast<Value>(number);
    } else {
      out = static_cast<Value>(number);  // all 64 bits are in use
    }
  }
}

template <class Record, class Visit>
void for_each_column(Visit visit) {
  std::apply([&](const auto&... column) { (visit(column), ...); }, Table<Record>::columns);
}

// Some of them are words of SQL.
inline std::string quoted(std::string_view name) { return '"' + std::string(name) + '"'; }

// "a", "b", "c", or ?, ?, ?.
template <class Record>
std::string column_list(bool parameters) {
  std::string list;
  for_each_column<Record>([&](const auto& column) {
    list += list.empty() ? "" : ", ";
    list += parameters ? "?" : quoted(column.name);
  });
  return list;
}

template <class Record>
std::string create_sql(std::string_view verb = "CREATE TABLE") {
  std::string sql = std::string(verb) + " " + std::string(Table<Record>::name) + " (";
  for_each_column<Record>([&](const auto& column) {
    using Value = std::remove_cvref_t<std::invoke_result_t<decltype(column.get), Record&>>;
    const char* type = !std::same_as<Value, std::string>  ? " INTEGER"
                       : column.content == Content::bytes ? " BLOB"
                                                          : " TEXT";
    sql += quoted(column.name) + type + (IsOptional<Value>::value ? ", " : " NOT NULL, ");
  });
  return sql + std::string(Table<Record>::constraints);
}

// `verb`: INSERT, or INSERT OR REPLACE.
template <class Record>
std::string insert_sql(std::string_view verb) {
  return std::string(verb) + " INTO " + std::string(Table<Record>::name) + " (" +
         column_list<Record>(false) + ") VALUES (" + column_list<Record>(true) + ")";
}

// `rest`: WHERE, ORDER BY, …
template <class Record>
std::string select_sql(std::string_view rest) {
  return "SELECT " + column_list<Record>(false) + " FROM " + std::string(Table<Record>::name) +
         " " + std::string(rest);
}

template <class Record>
void bind_record(Statement& statement, const Record& record, Duration ahead = {}) {
  int parameter = 0;
  for_each_column<Record>([&](const auto& column) {
    bind_value(statement, ++parameter, column.content, ahead, std::invoke(column.get, record));
  });
}

// REQUIRES: the statement is a select_sql() at a row. Throws Corrupt.
template <class Record>
void read_record(const Statement& row, Record& out, const Shift& shift = {}) {
  int index = 0;
  for_each_column<Record>([&](const auto& column) {
    try {
      read_value(row, index, column.words, column.content, shift, std::invoke(column.get, out));
    } catch (const std::range_error& error) {
      throw Corrupt("a row of " + std::string(Table<Record>::name) + ": " +
                    std::string(column.name) + " " + error.what());
    }
    ++index;
  });
}

}  // namespace heartbeat::store
