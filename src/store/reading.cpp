#include "store/reading.hpp"

#include <algorithm>
#include <cstring>

#include "store/tables.hpp"

namespace heartbeat::store {

namespace {

// What goes on in which way when the file is opened anew.
struct Reopening {
  Shift shift;
  Duration down{};
  bool same_boot = false;
};

// Ages go on: by the boot clock within one boot, by the wall clock across boots, and where that was
// set back they stand still.
Reopening reopening(const Header& header, const Clocks& clocks, const std::string& boot) {
  const Duration ahead{header.ahead_ms};
  // A machine that was set back to a snapshot of itself is in the same boot, at an earlier time.
  if (!boot.empty() && header.boot == boot && clocks.now + ahead >= header.written) {
    return {{ahead}, clocks.now + ahead - header.written, true};
  }
  const Duration down = std::max(Duration{0}, clocks.wall_now - header.written_at);
  return {{header.written + down - clocks.now, milliseconds(header.written)}, down, false};
}

template <class Record>
std::vector<Record> read_all(Statement& statement, const Shift& shift) {
  std::vector<Record> records;
  while (statement.step()) {
    read_record(statement, records.emplace_back(), shift);
  }
  return records;
}

LastActivity entry_at(std::string_view bytes, std::size_t index, const Shift& shift) {
  struct {
    std::uint64_t order;
    std::int64_t at_ms;
    std::int64_t paused_ms;
  } entry{};
  static_assert(sizeof entry == activity_bytes);
  std::memcpy(&entry, bytes.data() + index * activity_bytes, sizeof entry);
  for (const auto& [ms, min] : {std::pair{entry.at_ms, -time_max_ms}, {entry.paused_ms, 0}}) {
    if (ms < min || ms > time_max_ms) {
      throw Corrupt("a row of activity: a time of " + std::to_string(ms) + " ms, out of range");
    }
  }
  return {entry.order, shift.instant(entry.at_ms), Duration{entry.paused_ms}};
}

// An entry is of the run whose order it names, and of no other that its place held before or holds
// by now.
void apply_activity(Connection& connection, const Shift& shift, std::vector<RunRecord>& runs) {
  Statement statement(connection,
                      "SELECT first_slot, last_activity FROM activity ORDER BY first_slot");
  auto run = runs.begin();
  while (statement.step()) {
    const std::int64_t first_slot = statement.number(0);
    const std::string_view bytes = statement.bytes(1);
    if (first_slot < 0 || first_slot > UINT32_MAX || first_slot % block_slots != 0 ||
        bytes.size() % activity_bytes != 0 || bytes.size() > block_slots * activity_bytes) {
      throw Corrupt("a row of activity: first_slot " + std::to_string(first_slot) + " with " +
                    std::to_string(bytes.size()) + " bytes");
    }
    while (run != runs.end() && run->slot < first_slot) {
      ++run;
    }
    for (; run != runs.end() && run->slot - first_slot < block_slots; ++run) {
      const std::size_t index = run->slot - static_cast<std::uint32_t>(first_slot);
      if (index >= bytes.size() / activity_bytes) {
        continue;
      }
      const LastActivity last = entry_at(bytes, index, shift);
      if (last.order == run->order && last.at > run->last_activity && run->state != "ended") {
        run->last_activity = last.at;
        run->paused_before_activity = last.paused_before;
      }
    }
  }
}

// Only what has no gap: pruning goes by the wall clock, and that may have jumped.
std::vector<AlertRecord> read_alerts(Connection& connection, const Globals& globals,
                                     std::size_t kept) {
  Statement statement(connection,
                      select_sql<AlertRecord>("WHERE epoch = ? ORDER BY seq DESC LIMIT ?"));
  statement.bind_text(1, globals.epoch);
  // Those that were perhaps not published have to go out, however few are kept.
  const std::uint64_t wanted = std::max<std::uint64_t>(kept, globals.alert_seq - globals.published);
  statement.bind(2, static_cast<std::int64_t>(std::min<std::uint64_t>(wanted, INT64_MAX)));
  std::vector<AlertRecord> alerts;
  while (statement.step()) {
    AlertRecord alert;
    read_record(statement, alert);
    if (!alerts.empty() && alert.seq != alerts.back().seq - 1) {
      break;
    }
    alerts.push_back(std::move(alert));
  }
  if (!alerts.empty() && alerts.front().seq > globals.alert_seq) {
    throw Corrupt("an alert of seq " + std::to_string(alerts.front().seq) + ", but alert_seq is " +
                  std::to_string(globals.alert_seq));
  }
  std::reverse(alerts.begin(), alerts.end());
  return alerts;
}

std::optional<Header> read_header(Connection& connection) {
  Statement statement(connection, select_sql<Header>(""));
  if (!statement.step()) {
    return std::nullopt;
  }
  Header header;
  read_record(statement, header);
  header.globals.episode_epochs = split(header.episode_epochs);
  return header;
}

}  // namespace

FileClock file_clock(Connection& connection, const Clocks& clocks, const std::string& boot) {
  const std::optional<Header> header = read_header(connection);
  return {boot, header ? reopening(*header, clocks, boot).shift.ahead : Duration{0}, clocks.now};
}

std::optional<State> read_state(Connection& connection, const Clocks& clocks,
                                std::size_t alerts_kept, const std::string& boot) {
  const Transaction transaction(connection, "BEGIN");
  std::optional<Header> header = read_header(connection);
  if (!header) {
    return std::nullopt;
  }
  const Reopening now = reopening(*header, clocks, boot);
  State state;
  Statement runs(connection, select_sql<RunRecord>("ORDER BY slot"));
  state.runs = read_all<RunRecord>(runs, now.shift);
  apply_activity(connection, now.shift, state.runs);
  Statement sources(connection, select_sql<SourceRecord>("ORDER BY slot"));
  state.sources = read_all<SourceRecord>(sources, now.shift);
  state.alerts = read_alerts(connection, header->globals, alerts_kept);
  Statement downtimes(connection, select_sql<Downtime>("ORDER BY since"));
  state.downtimes = read_all<Downtime>(downtimes, now.shift);
  state.downtimes.push_back({clocks.now - now.down, clocks.now});
  state.globals = std::move(header->globals);
  state.down = now.down;
  state.cut = !now.same_boot && !header->closed;
  return state;
}

}  // namespace heartbeat::store
