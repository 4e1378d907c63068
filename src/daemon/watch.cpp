#include "daemon/watch.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace heartbeat::daemon {
namespace {

constexpr Duration sleep_max{50};
constexpr Duration beat_interval{1'000};
// While so many alerts wait for their commit, no further deadlines are looked at and nothing is
// read: what recovers has alerts, too. So commits stay far below store_wait_max_ms.
constexpr std::size_t unpublished_max = 1'024;
constexpr Duration pause_told{1'000};  // shorter ones are only counted
// Shares of one turn, so that no kind of work starves another.
constexpr std::size_t deadlines_per_turn = 512;
constexpr std::size_t requeued_per_turn = 16'384;

}  // namespace

Watch::Watch(const Options& options, store::Storage* storage, const store::Clocks& clocks,
             std::chrono::nanoseconds worked, std::shared_ptr<spdlog::logger> logger,
             const EpochMaker& new_epoch, const Shares& shares)
    : options_(options),
      logger_(std::move(logger)),
      fleet_(options_.limits),
      log_(new_epoch(), options_.alerts_kept),
      desk_(fleet_, log_, health_),
      pauses_({clocks.now, worked}),
      watermark_(clocks.now),
      next_beat_(clocks.now) {
  health_.started = health_.checked_to = clocks.now;
  if (storage != nullptr) {
    journal_.emplace(*storage, options_, clocks, fleet_, log_, health_, logger_, new_epoch, shares);
  }
}

Duration Watch::time_to_sleep(Instant now) const {
  const bool may_go_on = room() != 0;
  if (may_go_on && (work_left_ || verdicts_left_)) {
    return Duration{};
  }
  Instant until = std::min(now + sleep_max, next_beat_);
  const auto deadline = fleet_.next_deadline();
  if (deadline && may_go_on && !watermark_.awaits(*deadline)) {
    // It has to be exceeded, and the clock is read in whole milliseconds.
    until = std::min(until, *deadline + Duration{1});
  }
  return std::max(until - now, Duration{});
}

void Watch::begin_turn(const Pauses::Reading& reading, Duration slept) {
  const Duration pause = pauses_.turn(reading, slept);
  if (pause == Duration{}) {
    return;
  }
  fleet_.paused(pause);
  watermark_.paused(pause);
  if (journal_) {
    journal_->paused(pause);
  }
  health_.loop_stalls_total = pauses_.total();
  health_.loop_stall_max_ms = pauses_.longest();
  if (pause >= pause_told) {
    logger_->warn("this process did not run for {}ms: deadlines of silence move by that",
                  pause.count());
  }
}

std::size_t Watch::room() const {
  return unpublished_max - std::min(log_.unpublished(), unpublished_max);
}

bool Watch::wants_probe(Instant now) const {
  return watermark_.wants_probe(fleet_.next_deadline(), now);
}

std::size_t Watch::take(std::string_view payload) {
  ++health_.messages_received_total;
  return decoder_.decode(payload).size();
}

void Watch::fold(Instant now) {
  fleet_.read_to(watermark_.read_to());
  fleet_.fold(decoder_.all(), now, transitions_);
  decoder_.clear();
}

// Only what had arrived before a deadline can tell whether it was kept, so deadlines fire up to the
// instant up to which the input was read. Where that is too far behind, they are judged all the
// same, and the alerts say so.
void Watch::judge(const store::Clocks& clocks, bool drained) {
  const Instant now = clocks.now;
  const bool requeuing = fleet_.requeue(requeued_per_turn);
  health_.ingest_lag_ms = watermark_.lag(now);
  health_.overloaded = health_.ingest_lag_ms > options_.ingest_lag_max_ms;
  Instant judged_to = watermark_.read_to();
  number(clocks.wall_now, false);
  if (room() != 0) {
    fleet_.advance(judged_to, now, deadlines_per_turn, transitions_);
    number(clocks.wall_now, false);
    if (health_.overloaded) {
      judged_to = std::max(judged_to, now - options_.ingest_lag_max_ms);
      fleet_.advance(judged_to, now, deadlines_per_turn, transitions_);
      number(clocks.wall_now, true);
    }
  }
  const auto deadline = fleet_.next_deadline();
  health_.checked_to = deadline && *deadline < now ? judged_to : now;
  work_left_ = requeuing || !drained;
  verdicts_left_ = deadline && *deadline < judged_to;
}

void Watch::number(WallTime now, bool overloaded) {
  for (const core::Transition& transition : transitions_) {
    log_.add(transition, now, overloaded);
  }
  transitions_.clear();
}

void Watch::commit(const store::Clocks& clocks) {
  if (journal_) {
    journal_->turn(clocks, options_.store_wait_max_ms);
  }
}

const AlertLog::Entry* Watch::next_alert() const {
  return log_.next(journal_ ? journal_->committed() : std::numeric_limits<std::uint64_t>::max());
}

void Watch::published_next(Instant now) {
  if (const auto deadline = next_alert()->deadline) {
    health_.detection_delay_ms.add(
        static_cast<std::uint64_t>(std::max(now - *deadline, Duration{}).count()));
  }
  log_.published_next();
}

std::optional<Beat> Watch::next_beat(const store::Clocks& clocks) {
  const Instant now = clocks.now;
  if (now < next_beat_) {
    return std::nullopt;
  }
  next_beat_ += beat_interval;
  if (next_beat_ <= now) {
    next_beat_ = now + beat_interval;  // after a pause one beat, not one for each second missed
  }
  Beat beat;
  beat.epoch = log_.epoch();
  beat.alert_seq = log_.published_seq();
  beat.agents_monitoring = fleet_.runs_in_flight();
  beat.stale = fleet_.runs_stale();
  beat.overloaded = health_.overloaded;
  beat.uptime_ms = now - health_.started;
  beat.sent_at = clocks.wall_now;
  beat.state_file = health_.state_file;
  return beat;
}

void Watch::answer(std::optional<std::string_view> request, const store::Clocks& clocks,
                   std::string& reply) {
  ++health_.status_requests_total;
  if (!desk_.answer(request, Moment{clocks.now, clocks.wall_now}, reply)) {
    ++health_.status_errors_total;
  }
}

void Watch::finish(const store::Clocks& clocks, Duration limit) {
  if (journal_) {
    journal_->finish(clocks, limit);
  }
}

void Watch::finish_late(const store::Clocks& clocks, Duration limit) {
  if (journal_) {
    journal_->finish_late(clocks, limit);
  }
}

void Watch::set_options(const Options& options, Instant now) {
  options_ = options;
  fleet_.set_limits(options_.limits, now, options_.restart_grace_ms);
}

}  // namespace heartbeat::daemon
