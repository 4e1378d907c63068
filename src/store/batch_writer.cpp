#include "store/batch_writer.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "store/tables.hpp"

namespace heartbeat::store {

namespace {

// Alerts looked at after each batch: few enough for less than a millisecond, more where more come
// in, so that what goes keeps up with what comes.
constexpr std::size_t looked_at_min = 64;
constexpr std::size_t looked_at_max = 512;
constexpr Duration round_interval{60'000};

constexpr int downtimes_max = 64;  // silences that saw more are told of the last

constexpr std::int64_t day_ms = 86'400'000;

static_assert(std::endian::native == std::endian::little, "blocks of activity are little-endian");

// While it lives, a commit is on the disk when it returns.
class SyncedCommits {
 public:
  explicit SyncedCommits(Connection& connection) : connection_(connection) {
    connection_.run("PRAGMA synchronous = FULL");
  }
  ~SyncedCommits() {
    sqlite3_exec(connection_.get(), "PRAGMA synchronous = NORMAL", nullptr, nullptr, nullptr);
  }
  SyncedCommits(const SyncedCommits&) = delete;
  SyncedCommits& operator=(const SyncedCommits&) = delete;

 private:
  Connection& connection_;
};

const std::tuple<std::int64_t, std::string, std::int64_t> before_all{-time_max_ms, "", 0};

}  // namespace

BatchWriter::BatchWriter(Connection& connection, const FileClock& clock)
    : connection_(connection),
      clock_(clock),
      run_(connection, insert_sql<RunRecord>("INSERT OR REPLACE")),
      forgotten_run_(connection, "DELETE FROM runs WHERE slot = ?"),
      activity_(connection,
                "INSERT OR REPLACE INTO activity (first_slot, last_activity) VALUES (?, ?)"),
      source_(connection, insert_sql<SourceRecord>("INSERT OR REPLACE")),
      forgotten_source_(connection, "DELETE FROM sources WHERE slot = ?"),
      alert_(connection, insert_sql<AlertRecord>("INSERT")),
      header_(connection, insert_sql<Header>("INSERT OR REPLACE")),
      // The first batch of each start finds a time before it.
      downtime_(connection,
                "INSERT INTO downtimes (since, until) "
                "SELECT written, ?1 FROM globals WHERE written < ?1"),
      earlier_downtimes_(connection,
                         "DELETE FROM downtimes WHERE since NOT IN "
                         "(SELECT since FROM downtimes ORDER BY since DESC LIMIT ?)"),
      oldest_(connection,
              "SELECT raised_at, epoch, seq FROM alerts "
              "WHERE (raised_at, epoch, seq) > (?, ?, ?) AND raised_at < ? "
              "ORDER BY raised_at, epoch, seq LIMIT ?"),
      pruned_(connection, "DELETE FROM alerts WHERE epoch = ? AND seq = ?"),
      looked_at_(before_all) {}

void BatchWriter::write(const Batch& batch, const Clocks& clocks) {
  Transaction transaction(connection_, "BEGIN IMMEDIATE");
  for (const std::uint32_t slot : batch.forgotten) {
    forgotten_run_.bind(1, slot);
    forgotten_run_.run();
  }
  for (const RunRecord& run : batch.runs) {
    bind_record(run_, run, clock_.ahead);
    run_.run();
  }
  for (const ActivityBlock& block : batch.activity) {
    write_activity(block);
  }
  for (const std::uint32_t slot : batch.forgotten_sources) {
    forgotten_source_.bind(1, slot);
    forgotten_source_.run();
  }
  for (const SourceRecord& source : batch.sources) {
    bind_record(source_, source, clock_.ahead);
    source_.run();
  }
  for (const AlertRecord& alert : batch.alerts) {
    bind_record(alert_, alert);
    alert_.run();
  }
  note_downtime();
  write_header(batch.globals, clocks);
  transaction.commit();
  ends_in_order_ = true;
  epoch_ = batch.globals.epoch;
  alert_seq_ = batch.globals.alert_seq;
  published_ = batch.globals.published;
  alerts_ = batch.alerts.size();
}

void BatchWriter::write_activity(const ActivityBlock& block) {
  bytes_.clear();
  const auto append = [this](const auto& number) {
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof number);
  };
  for (const LastActivity& last : block.last_activity) {
    append(last.order);
    append(milliseconds(last.at + clock_.ahead));
    append(milliseconds(last.paused_before));
  }
  activity_.bind(1, block.first_slot);
  activity_.bind_bytes(2, bytes_);
  activity_.run();
}

void BatchWriter::note_downtime() {
  downtime_.bind(1, milliseconds(clock_.opened + clock_.ahead));
  downtime_.run();
  if (sqlite3_changes(connection_.get()) != 0) {
    earlier_downtimes_.bind(1, downtimes_max);
    earlier_downtimes_.run();
  }
}

void BatchWriter::write_header(const Globals& globals, const Clocks& clocks) {
  const Header header{.globals = globals,
                      .episode_epochs = joined(globals.episode_epochs),
                      .boot = clock_.boot,
                      .ahead_ms = clock_.ahead.count(),
                      .written = clocks.now,
                      .written_at = clocks.wall_now};
  bind_record(header_, header, clock_.ahead);
  header_.run();
}

bool BatchWriter::open() {
  {
    const SyncedCommits on_the_disk(connection_);
    connection_.run("UPDATE globals SET closed = 0 WHERE closed != 0");
  }
  ends_in_order_ = sqlite3_changes(connection_.get()) != 0;
  return ends_in_order_;
}

void BatchWriter::close() {
  if (ends_in_order_) {
    connection_.run("UPDATE globals SET closed = 1");
  }
}

std::optional<std::string> BatchWriter::prune(const Clocks& clocks, const Keeping& keeping) {
  if (clocks.now < next_round_) {
    return std::nullopt;
  }
  const std::size_t limit = std::clamp(2 * alerts_, looked_at_min, looked_at_max);
  const std::uint64_t kept =
      std::min(std::max<std::uint64_t>(keeping.alerts_kept, alert_seq_ - published_), alert_seq_);
  const auto first_kept = static_cast<std::int64_t>(alert_seq_ - kept + 1);
  std::size_t seen = 0;
  std::optional<std::string> failure;
  try {
    Transaction transaction(connection_, "BEGIN IMMEDIATE");
    auto& [raised_at, epoch, seq] = looked_at_;
    const auto since = looked_at_;
    oldest_.bind(1, std::get<0>(since));
    oldest_.bind_text(2, std::get<1>(since));
    oldest_.bind(3, std::get<2>(since));
    oldest_.bind(4, milliseconds(clocks.wall_now) - keeping.history_days * day_ms);
    oldest_.bind(5, static_cast<std::int64_t>(limit));
    std::vector<std::pair<std::string, std::int64_t>> old;
    while (oldest_.step()) {
      ++seen;
      raised_at = oldest_.number(0);
      epoch = oldest_.text(1);
      seq = oldest_.number(2);
      if (epoch != epoch_ || seq < first_kept) {
        old.emplace_back(epoch, seq);
      }
    }
    for (const auto& [of_epoch, of_seq] : old) {
      pruned_.bind_text(1, of_epoch);
      pruned_.bind(2, of_seq);
      pruned_.run();
    }
    transaction.commit();
  } catch (const SqlError& error) {
    seen = 0;
    failure = error.what();
  }
  if (seen < limit) {
    looked_at_ = before_all;
    next_round_ = clocks.now + round_interval;
  }
  return std::exchange(prune_failed_, failure.has_value()) ? std::nullopt : failure;
}

}  // namespace heartbeat::store
