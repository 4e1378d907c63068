// What a monitor takes up of what the file was left with.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "daemon/journal.hpp"
#include "daemon/records.hpp"
#include "store/opening.hpp"

namespace heartbeat::daemon {
namespace {

// Within so many times the grace there is no other: a monitor that crashes on and on is not blind.
constexpr int graces_apart = 10;
// Episodes that were opened after the last commit may have been told of in an epoch that is not in
// the file: their numbers are not used again. Far more than can wait for one commit; and by how
// long the file was left, because an earlier start from the same state may have come to no commit
// either.
std::uint64_t episodes_passed_over(Duration down) {
  constexpr std::uint64_t least = 65'536;
  constexpr std::uint64_t per_ms = 1'024;
  constexpr Duration told_apart{10'000'000'000};
  return least + per_ms * static_cast<std::uint64_t>(std::min(down, told_apart).count());
}

store::Unusable corrupt(const std::string& path, const std::string& what) {
  return store::Unusable(
      store::unusable(path, store::Corrupt(what), store::Connection::Access::write));
}

// Places are taken from the lowest on, runs and tombstones up to the largest runs_max each.
void check_slot(const std::string& path, core::Slot slot) {
  constexpr core::Slot slots_max = 200'000'000;
  if (slot >= slots_max) {
    throw corrupt(path, "a record has place " + std::to_string(slot));
  }
}

}  // namespace

void Journal::restore(store::State&& state, const store::Clocks& clocks, Duration grace) {
  const store::Globals& was = state.globals;
  const std::size_t epochs = was.episode_epochs.size();
  const auto is_named = [&](std::uint64_t episode) { return episode_epoch(episode) < epochs; };
  for (const store::RunRecord& record : state.runs) {
    if (!is_named(record.episode)) {
      throw corrupt(storage_.name(),
                    "run " + record.agent_id + " has an episode of an unknown epoch");
    }
    check_slot(storage_.name(), record.slot);
    fleet_.restore(record.slot, run_of(record));
  }
  for (const store::SourceRecord& record : state.sources) {
    check_slot(storage_.name(), record.slot);
    fleet_.restore(record.slot, source_of(record));
  }
  if (!is_named(was.episodes) || !is_named(was.capacity_episode) || !is_named(was.storm)) {
    throw corrupt(storage_.name(), "an episode of an unknown epoch");
  }
  std::vector<Alert> alerts;
  for (const store::AlertRecord& record : state.alerts) {
    auto alert = alert_of(record);
    const std::uint64_t expected = was.alert_seq - state.alerts.size() + alerts.size() + 1;
    if (!alert || record.seq != expected) {
      throw corrupt(storage_.name(),
                    "alert " + std::to_string(record.seq) + " is not what was written");
    }
    alerts.push_back(std::move(*alert));
  }

  grace_at_ = was.grace_at;
  const bool graced = !grace_at_ || clocks.wall_now - *grace_at_ >= graces_apart * grace ||
                      clocks.wall_now < *grace_at_;
  if (graced) {
    grace_at_ = clocks.wall_now;
  }
  std::vector<core::Fleet::Downtime> downtimes;
  for (const store::Downtime& down : state.downtimes) {
    downtimes.push_back({down.since, down.until});
  }
  fleet_.resume(
      {was.episodes + episodes_passed_over(state.down), was.registrations, was.transitions,
       was.capacity_episode, was.storm, was.source_incarnations, was.paused},
      clocks.now, std::move(downtimes),
      // The rest of the last one, if it has not passed.
      clocks.now + (*grace_at_ + grace - clocks.wall_now));
  log_.resume(was.epoch, was.episode_epochs, was.alert_seq, was.published, std::move(alerts));
  epoch_ = was.epoch;
  handed_over_ = committed_ = was.alert_seq;
  published_ = was.published;
  logger_->info("{}: {} runs in flight, {} ended, epoch {}, last alert {}; it was left {}ms ago{}",
                storage_.name(), fleet_.runs_in_flight(), fleet_.tombstones(), epoch_,
                was.alert_seq, state.down.count(),
                graced ? "" : ", too soon after the last start for a grace");
  if (state.cut) {
    logger_->warn(
        "{}: the machine went down before the monitor did, or the disk does not take that it is "
        "in use: a new epoch begins, because alerts may be missing here",
        storage_.name());
    fleet_.number_episodes_from(log_.begin_epoch(new_epoch_()));
    epoch_ = log_.epoch();
    handed_over_ = committed_ = published_ = 0;
  }
}

}  // namespace heartbeat::daemon
