#include "daemon/journal.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "daemon/records.hpp"

namespace heartbeat::daemon {
namespace {

constexpr Duration batch_interval{50};     // of changes without an alert
constexpr Duration retry_interval{1'000};  // after a failure
// Also where nothing has changed: a successor takes the time since for time in which nobody
// watched.
constexpr Duration stamp_interval{1'000};

}  // namespace

Journal::Journal(store::Storage& storage, const Options& options, const store::Clocks& clocks,
                 core::Fleet& fleet, AlertLog& log, Health& health,
                 std::shared_ptr<spdlog::logger> logger, EpochMaker new_epoch, const Shares& shares)
    : fleet_(fleet),
      log_(log),
      health_(health),
      logger_(std::move(logger)),
      new_epoch_(std::move(new_epoch)),
      shares_(shares),
      storage_(storage),
      epoch_(log.epoch()),
      written_at_(clocks.now),
      retry_at_(clocks.now) {
  std::vector<core::Slot> slots;
  if (auto state = storage_.load()) {
    for (const store::RunRecord& run : state->runs) {
      slots.push_back(run.slot);
    }
    restore(std::move(*state), clocks, options.restart_grace_ms);
  }
  fleet_.track_changes();
  for (const core::Slot slot : slots) {
    if (fleet_.run_at(slot).state == core::RunState::unknown) {
      fleet_.changed_runs().add(slot);  // it gave way to a later run of its name: in the file, too
    }
  }
  health_.state_file = "kept";
}

std::uint64_t Journal::committed() const {
  return in_file_ ? committed_ : std::numeric_limits<std::uint64_t>::max();
}

void Journal::paused(Duration pause) {
  if (waiting_since_) {
    *waiting_since_ += pause;
  }
}

void Journal::turn(const store::Clocks& clocks, Duration wait_max) {
  settle(storage_.written(), clocks.now);
  note_changes(clocks.now);
  if (in_file_ && !waiting_since_ && log_.last_seq() > committed_) {
    waiting_since_ = clocks.now;
  }
  if (waiting_since_ && clocks.now - *waiting_since_ > wait_max) {
    give_up_waiting("a commit took longer than " + std::to_string(wait_max.count()) +
                    "ms while alerts waited for it");
  }
  const bool alerts = in_file_ && log_.last_seq() > handed_over_;
  const Duration since = clocks.now - written_at_;
  const bool due = since >= (waiting() != 0 ? batch_interval : stamp_interval) ||
                   (more_runs_ && fleet_.changed_runs().size() != 0);
  if (!writing_ && (alerts || (due && clocks.now >= retry_at_))) {
    hand_over(clocks, false);
  }
  health_.state_changes_waiting = waiting() + (writing_ ? 1 : 0);
  const auto oldest = oldest_change();
  health_.state_lag_ms = oldest ? clocks.now - *oldest : Duration{};
}

void Journal::settle(std::optional<store::Storage::Written> written, Instant now) {
  if (!written) {
    return;
  }
  writing_ = false;
  if (written->error) {
    ++health_.state_failures_total;
    handed_over_ = committed_;
    numbers_.reset();
    retry_at_ = now + retry_interval;
    note_again(*written->batch);
    note_failed(now);
    if (!std::exchange(failing_, true)) {
      logger_->error("{}; it is tried again each second", *written->error);
    }
    health_.state_file = in_file_ ? "failing" : "left";
    if (in_file_ && writing_alerts_) {
      give_up_waiting("alerts could not be committed");
    }
    return;
  }
  ++health_.state_commits_total;
  if (std::exchange(failing_, false)) {
    logger_->warn(
        "{}: can be written again{}", storage_.name(),
        in_file_ ? "" : "; alerts stay out of it until the monitor is started again, runs do not");
  }
  health_.state_file = in_file_ ? "kept" : "left";
  health_.state_commit_max_ms = std::max(health_.state_commit_max_ms, written->took);
  if (written->warning) {
    logger_->warn("{}", *written->warning);
  }
  committed_ = handed_over_;
  writing_since_.reset();
  waiting_since_.reset();
}

void Journal::note_changes(Instant now) {
  runs_changed_.hold(fleet_.changed_runs().size(), now);
  sources_changed_.hold(fleet_.changed_sources().size(), now);
  numbers_changed_.hold(numbers_known() ? 0 : 1, now);
}

// What was in the batch waits again, among what came since.
void Journal::note_failed(Instant now) {
  if (writing_since_) {
    runs_changed_.put_back(*writing_since_, fleet_.changed_runs().size(), now);
    sources_changed_.put_back(*writing_since_, fleet_.changed_sources().size(), now);
    numbers_changed_.put_back(*writing_since_, 1, now);
    writing_since_.reset();
  }
}

std::optional<Instant> Journal::oldest_change() const {
  std::optional<Instant> oldest = writing_since_;
  for (const auto since :
       {runs_changed_.since(), sources_changed_.since(), numbers_changed_.since()}) {
    if (since && (!oldest || *since < *oldest)) {
      oldest = since;
    }
  }
  return oldest;
}

void Journal::give_up_waiting(const std::string& why) {
  in_file_ = false;
  episodes_ = fleet_.numbers().episodes;
  published_ = log_.published_seq();
  fleet_.number_episodes_from(log_.begin_epoch(new_epoch_()));
  ++health_.state_epochs_left_total;
  health_.state_file = "left";
  waiting_since_.reset();
  logger_->error(
      "{}: {}: epoch {} begins, which is not in the file; alerts go out all the same, and the next "
      "start goes on with epoch {}",
      storage_.name(), why, log_.epoch(), epoch_);
}

std::size_t Journal::waiting() const {
  return fleet_.changed_runs().size() + fleet_.changed_blocks().size() +
         fleet_.changed_sources().size() + (numbers_known() ? 0U : 1U);
}

// A pause changes nothing but the numbers, and all deadlines of silence with them.
bool Journal::numbers_known() const {
  return numbers_ == fleet_.numbers() && published_known_ == published();
}

void Journal::hand_over(const store::Clocks& clocks, bool everything) {
  auto batch = std::make_unique<store::Batch>();
  const std::size_t runs = fleet_.changed_runs().size();
  const std::size_t sources = fleet_.changed_sources().size();
  writing_since_ = oldest_change();
  writing_alerts_ = in_file_ && log_.last_seq() > handed_over_;
  std::vector<core::Slot> added;
  if (writing_alerts_) {
    added = add_alerts(*batch);
    waiting_since_ = clocks.now;
  }
  add_changes(*batch, added, everything);
  more_runs_ = fleet_.changed_runs().size() != 0;
  batch->globals = globals();
  numbers_ = fleet_.numbers();
  published_known_ = published();
  runs_changed_.take(runs - fleet_.changed_runs().size(), fleet_.changed_runs().size(), clocks.now);
  sources_changed_.take(sources - fleet_.changed_sources().size(), fleet_.changed_sources().size(),
                        clocks.now);
  numbers_changed_.take(1, 0, clocks.now);
  storage_.write(std::move(batch), clocks);
  writing_ = true;
  written_at_ = clocks.now;
}

std::vector<core::Slot> Journal::add_alerts(store::Batch& batch) {
  std::vector<core::Slot> slots;
  log_.each_unpublished([&](const AlertLog::Entry& entry) {
    if (entry.alert.seq > handed_over_) {
      batch.alerts.push_back(record_of(entry));
      if (entry.slot != core::no_slot) {
        slots.push_back(entry.slot);
      }
    }
  });
  handed_over_ = log_.last_seq();
  std::ranges::sort(slots);
  const auto repeated = std::ranges::unique(slots);
  slots.erase(repeated.begin(), repeated.end());
  for (const core::Slot slot : slots) {
    add_run(batch, slot);
  }
  return slots;
}

void Journal::add_run(store::Batch& batch, core::Slot slot) {
  const core::Run& run = fleet_.run_at(slot);
  if (run.state == core::RunState::unknown) {
    batch.forgotten.push_back(slot);
  } else {
    batch.runs.push_back(record_of(slot, run));
  }
}

void Journal::add_block(store::Batch& batch, core::Slot block) {
  static_assert(core::Fleet::run_block == store::block_slots);
  store::ActivityBlock& entries = batch.activity.emplace_back();
  entries.first_slot = block * core::Fleet::run_block;
  const core::Slot end = std::min(entries.first_slot + core::Fleet::run_block, fleet_.runs_end());
  for (core::Slot slot = entries.first_slot; slot < end; ++slot) {
    const core::Run& run = fleet_.run_at(slot);
    entries.last_activity.push_back(
        run.in_flight()
            ? store::LastActivity{run.order, run.last_activity, run.paused_before_activity}
            : store::LastActivity{});
  }
}

void Journal::add_changes(store::Batch& batch, const std::vector<core::Slot>& added,
                          bool everything) {
  const auto take = [&](core::ChangedSlots& changed, std::size_t share, const auto& add) {
    for (std::size_t left = everything ? changed.size() : share; left > 0;) {
      const auto slot = changed.take();
      if (!slot) {
        return;
      }
      left -= add(*slot) ? 1U : 0U;
    }
  };
  take(fleet_.changed_runs(), shares_.runs_per_batch, [&](core::Slot slot) {
    const bool is_in = std::ranges::binary_search(added, slot);
    if (!is_in) {
      add_run(batch, slot);
    }
    return !is_in;
  });
  take(fleet_.changed_blocks(), shares_.blocks_per_batch, [&](core::Slot block) {
    add_block(batch, block);
    return true;
  });
  // A seq that is in the file before what its event changed would make a double of that event, sent
  // again after a kill, which is ignored.
  const bool runs_are_in = fleet_.changed_runs().size() == 0;
  take(fleet_.changed_sources(), runs_are_in ? shares_.sources_per_batch : 0, [&](core::Slot slot) {
    if (const core::Source* source = fleet_.source_at(slot)) {
      batch.sources.push_back(record_of(slot, *source));
    } else {
      batch.forgotten_sources.push_back(slot);
    }
    return true;
  });
}

// What was not written has changed since it was written last.
void Journal::note_again(const store::Batch& batch) {
  for (const store::RunRecord& run : batch.runs) {
    fleet_.changed_runs().add(run.slot);
  }
  for (const core::Slot slot : batch.forgotten) {
    fleet_.changed_runs().add(slot);
  }
  for (const store::ActivityBlock& block : batch.activity) {
    fleet_.changed_blocks().add(block.first_slot / core::Fleet::run_block);
  }
  for (const store::SourceRecord& source : batch.sources) {
    fleet_.changed_sources().add(source.slot);
  }
  for (const core::Slot slot : batch.forgotten_sources) {
    fleet_.changed_sources().add(slot);
  }
}

std::uint64_t Journal::published() const { return in_file_ ? log_.published_seq() : published_; }

store::Globals Journal::globals() const {
  const core::Numbers numbers = fleet_.numbers();
  store::Globals globals;
  globals.epoch = epoch_;
  globals.alert_seq = handed_over_;
  globals.published = published();
  globals.episode_epochs = log_.epochs();
  globals.episodes = in_file_ ? numbers.episodes : episodes_;
  globals.registrations = numbers.registrations;
  globals.transitions = numbers.transitions;
  globals.capacity_episode = numbers.capacity_episode;
  globals.storm = numbers.storm;
  globals.source_incarnations = numbers.source_incarnations;
  globals.paused = numbers.paused;
  globals.grace_at = grace_at_;
  return globals;
}

void Journal::write_last(const store::Clocks& clocks, Duration limit) {
  if (writing_) {
    settle(storage_.wait_written(limit), clocks.now);
  }
  if (!writing_) {
    hand_over(clocks, true);
    settle(storage_.wait_written(limit), clocks.now);
  }
}

void Journal::finish(const store::Clocks& clocks, Duration limit) {
  write_last(clocks, limit);
  if (in_file_ && log_.last_seq() > committed_) {
    give_up_waiting("an alert could not be committed before the end");
  }
  if (writing_) {
    logger_->warn("{}: is still being written: the end waits for that", storage_.name());
  }
}

void Journal::finish_late(const store::Clocks& clocks, Duration limit) {
  if (writing_) {
    write_last(clocks, limit);
  }
}

}  // namespace heartbeat::daemon
