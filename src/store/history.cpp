#include <algorithm>

#include "store/opening.hpp"
#include "store/state_file.hpp"
#include "store/tables.hpp"

namespace heartbeat::store {

namespace {

// Alerts looked at in one look: as long as one lasts, the log of a busy monitor cannot begin anew.
constexpr std::int64_t looked_at_once = 5'000;

// SQLite's GLOB knows a third wildcard, which is none here.
std::string as_sql_glob(const std::string& glob) {
  std::string out;
  for (const char c : glob) {
    out += c == '[' ? std::string("[[]") : std::string(1, c);
  }
  return out;
}

// Goes back in time.
class Look {
 public:
  Look(Connection& connection, const HistoryQuery& query)
      : glob_(as_sql_glob(query.agent.value_or("*"))),
        since_ms_(query.since ? milliseconds(*query.since) : -time_max_ms),
        rows_(connection, "SELECT " + column_list<AlertRecord>(false) +
                              ", agent_id GLOB ? FROM alerts WHERE (raised_at, epoch, seq) < "
                              "(?, ?, ?) AND raised_at >= ? ORDER BY raised_at DESC, epoch DESC, "
                              "seq DESC LIMIT ?") {
    last_.raised_at = WallTime{Duration{time_max_ms}};  // later than all
  }

  // Adds those that match until there are `limit`. False: there are no older ones.
  bool further(std::vector<AlertRecord>& found, std::size_t limit) {
    const AlertRecord from = std::move(last_);
    rows_.bind_text(1, glob_);
    rows_.bind(2, milliseconds(from.raised_at));
    rows_.bind_text(3, from.epoch);
    rows_.bind(4, static_cast<std::int64_t>(from.seq));
    rows_.bind(5, since_ms_);
    rows_.bind(6, looked_at_once);
    std::int64_t seen = 0;
    while (found.size() < limit && rows_.step()) {
      ++seen;
      read_record(rows_, last_);
      constexpr int matches = std::tuple_size_v<decltype(Table<AlertRecord>::columns)>;
      if (rows_.number(matches) != 0) {
        found.push_back(last_);
      }
    }
    rows_.reset();
    return found.size() < limit && seen == looked_at_once;
  }

 private:
  std::string glob_;
  std::int64_t since_ms_;
  Statement rows_;
  AlertRecord last_;  // looked at
};

}  // namespace

std::vector<AlertRecord> history(const std::string& path, const HistoryQuery& query) {
  const std::string file = behind_links(path);
  return in_words(file, Connection::Access::read, [&file, &query] {
    Connection connection = open_for_reading(file);
    Look look(connection, query);
    std::vector<AlertRecord> found;
    while (look.further(found, query.limit)) {
    }
    std::reverse(found.begin(), found.end());
    return found;
  });
}

}  // namespace heartbeat::store
