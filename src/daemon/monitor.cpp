#include "daemon/monitor.hpp"

#include <algorithm>
#include <csignal>
#include <utility>
#include <vector>

#include "bus/clock.hpp"
#include "daemon/log.hpp"
#include "daemon/settings.hpp"

namespace heartbeat::daemon {
namespace {

constexpr Duration sleep_max{50};
constexpr Duration beat_interval{1'000};
// While so many alerts wait for their commit, no further deadlines are looked at.
constexpr std::size_t unpublished_max = 4'096;
constexpr Duration finishing_max{400};  // for what is not yet in the state file
constexpr Duration pause_told{1'000};   // shorter ones are only counted
// Shares of one turn, so that no kind of work starves another.
constexpr std::size_t events_per_turn = 8'192;
constexpr std::size_t bytes_per_turn = 1024 * 1024;  // junk is one event, however large
constexpr std::size_t deadlines_per_turn = 4'096;
constexpr std::size_t requeued_per_turn = 16'384;
constexpr int requests_per_turn = 64;
constexpr Duration answering_max{5};  // so that questions do not delay alerts

}  // namespace

Monitor::Monitor(Options options, Reread reread, const bus::Signals& signals,
                 std::shared_ptr<spdlog::logger> logger)
    : options_(std::move(options)),
      reread_(std::move(reread)),
      signals_(signals),
      logger_(std::move(logger)),
      fleet_(options_.limits),
      log_(make_epoch(), options_.alerts_kept),
      report_(logger_),
      journal_(options_.state ? std::make_unique<Journal>(
                                    options_, store::Clocks{bus::boot_now(), bus::wall_now()},
                                    fleet_, log_, health_, logger_)
                              : nullptr),
      desk_(fleet_, log_, health_),
      events_(context_, options_.endpoints.events),
      alerts_(context_, options_.endpoints.alerts, options_.alerts_kept),
      status_(context_, options_.endpoints.status, internal_error_reply()),
      probe_(context_, events_.endpoint()),
      pauses_({bus::boot_now(), bus::thread_worked()}),
      watermark_(bus::boot_now()),
      next_beat_(watermark_.read_to()) {
  health_.started = health_.checked_to = watermark_.read_to();
}

void Monitor::run() {
  const core::Limits& limits = fleet_.limits();
  logger_->info(
      "HeartbeatMonitor: started (check interval: {}ms), events {}, alerts {}, status {}, stale "
      "after {}ms, timeout after {}ms, epoch {}, version " HEARTBEAT_VERSION,
      limits.check_interval_ms.count(), events_.endpoint(), alerts_.endpoint(), status_.endpoint(),
      limits.stale_threshold_ms.count(), limits.timeout_threshold_ms.count(), log_.epoch());
  std::vector<int> fds{signals_.fd()};
  if (journal_) {
    fds.push_back(journal_->fd());
  }
  while (!stopping_) {
    const Instant since = bus::boot_now();
    const Duration asked = time_to_sleep(since);
    bus::wait(events_, alerts_, status_, fds, asked);
    turn(asked, since);
  }
  if (journal_) {
    journal_->finish({bus::boot_now(), bus::wall_now()}, finishing_max);
    publish(bus::boot_now());
  }
  report_.finish();
  logger_->info("HeartbeatMonitor: stopped");
}

// The instant is one for the whole turn; I/O comes before verdicts, or a pause of this process
// would look like everybody else's.
void Monitor::turn(Duration asked, Instant since) {
  take_signals();
  const Instant now = bus::boot_now();
  note_pause(pauses_.turn({now, bus::thread_worked()}, std::min(asked, now - since)));
  probe(now);
  const bool drained = drain(now);
  judge(now, drained);
  publish(now);
  beat(now);
  answer(now);
  report_.summarize(now);
}

Duration Monitor::time_to_sleep(Instant now) const {
  if (work_left_) {
    return Duration{};
  }
  Instant until = std::min(now + sleep_max, next_beat_);
  if (const auto deadline = fleet_.next_deadline(); deadline && !watermark_.awaits(*deadline)) {
    // It has to be exceeded, and the clock is read in whole milliseconds.
    until = std::min(until, *deadline + Duration{1});
  }
  return std::max(until - now, Duration{});
}

void Monitor::note_pause(Duration pause) {
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

// Before anything is read in this turn: its answer then comes with the next.
void Monitor::probe(Instant now) {
  const bool connected = probe_.connected();
  if (std::exchange(probe_connections_, probe_.connections()) != probe_.connections()) {
    watermark_.lost();
  }
  if (connected && watermark_.wants_probe(fleet_.next_deadline(), now)) {
    probe_.send(watermark_.sent(now));
  }
}

void Monitor::take_signals() {
  while (const auto signal = signals_.take()) {
    if (*signal == SIGHUP) {
      reload();
    } else {
      stopping_ = true;
    }
  }
}

void Monitor::reload() {
  auto read = reread_();
  if (const auto* bad = std::get_if<BadOption>(&read)) {
    ++health_.config_reload_failures_total;
    logger_->error("configuration not reloaded, nothing changed: {}", bad->message);
    return;
  }
  const auto& invocation = std::get<Invocation>(read);
  ++health_.config_reloads_total;
  for (const std::string& warning : invocation.warnings) {
    logger_->warn("{}", warning);
  }
  const std::string changed = apply(invocation.options);
  logger_->info("configuration reloaded from {}: {}",
                invocation.options.config.value_or("the environment alone (no --config)"),
                changed.empty() ? "nothing has changed" : changed);
}

std::string Monitor::apply(const Options& options) {
  std::string changed;
  for (const Setting& setting : make_settings()) {
    const std::string value = setting.shown(options);
    if (value == setting.shown(options_)) {
      continue;
    }
    if (!setting.live) {
      logger_->warn("{}: the new value needs a restart", flag_of(setting));
      continue;
    }
    changed += (changed.empty() ? "" : ", ") + setting.name + " " + setting.shown(options_) +
               " -> " + value;
  }
  options_.limits = options.limits;
  options_.ingest_lag_max_ms = options.ingest_lag_max_ms;
  options_.store_wait_max_ms = options.store_wait_max_ms;
  options_.restart_grace_ms = options.restart_grace_ms;
  options_.log_level = options.log_level;
  fleet_.set_limits(options_.limits, bus::boot_now(), options_.restart_grace_ms);
  logger_->set_level(spdlog::level::from_str(options_.log_level));
  return changed;
}

// Returns whether the socket was seen empty.
bool Monitor::drain(Instant now) {
  std::string_view payload;
  std::size_t bytes = 0;
  for (std::size_t events = 0; events < events_per_turn && bytes < bytes_per_turn;) {
    switch (events_.receive(payload)) {
      case bus::EventSocket::Received::nothing:
        return true;
      case bus::EventSocket::Received::malformed: {
        Event malformed;
        malformed.rejected = Rejection::malformed;
        fleet_.fold({&malformed, 1}, now, transitions_);
        ++events;
        break;
      }
      case bus::EventSocket::Received::message: {
        if (const auto number = probe_.number(payload)) {
          watermark_.returned(*number);
          continue;
        }
        const auto batch = decoder_.decode(payload);
        fleet_.fold(batch, now, transitions_);
        events += batch.size();
        bytes += payload.size();
        break;
      }
    }
    ++health_.messages_received_total;
  }
  return false;
}

// Only what had arrived before a deadline can tell whether it was kept, so deadlines fire up to the
// instant up to which the input was read. Where that is too far behind, they are judged all the
// same, and the alerts say so.
void Monitor::judge(Instant now, bool drained) {
  const bool requeuing = fleet_.requeue(requeued_per_turn);
  health_.ingest_lag_ms = watermark_.lag(now);
  health_.overloaded = health_.ingest_lag_ms > options_.ingest_lag_max_ms;
  Instant judged_to = watermark_.read_to();
  number(false);
  if (log_.unpublished() < unpublished_max) {
    fleet_.advance(judged_to, now, deadlines_per_turn, transitions_);
    number(false);
    if (health_.overloaded) {
      judged_to = std::max(judged_to, now - options_.ingest_lag_max_ms);
      fleet_.advance(judged_to, now, deadlines_per_turn, transitions_);
      number(true);
    }
  }
  const auto deadline = fleet_.next_deadline();
  health_.checked_to = deadline && *deadline < now ? judged_to : now;
  work_left_ = requeuing || !drained || (deadline && *deadline < judged_to);
}

void Monitor::number(bool overloaded) {
  for (const core::Transition& transition : transitions_) {
    log_.add(transition, bus::wall_now(), overloaded);
  }
  transitions_.clear();
}

void Monitor::publish(Instant now) {
  if (journal_) {
    journal_->turn({now, bus::wall_now()}, options_.store_wait_max_ms);
  }
  const std::uint64_t committed = journal_ ? journal_->committed() : log_.last_seq();
  while (const AlertLog::Entry* entry = log_.next(committed)) {
    alerts_.publish(entry->topic, entry->payload);
    report_.add(entry->alert, now);
    log_.published_next();
  }
}

void Monitor::beat(Instant now) {
  if (now < next_beat_) {
    return;
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
  beat.sent_at = bus::wall_now();
  std::string payload;
  wire::encode(beat, payload);
  alerts_.publish("monitor.beat", payload);
}

void Monitor::answer(Instant now) {
  const Moment moment{now, bus::wall_now()};
  const Instant until = bus::boot_now() + answering_max;
  const auto reply_to = [&](std::optional<std::string_view> request, std::string& reply) {
    ++health_.status_requests_total;
    if (!desk_.answer(request, moment, reply)) {
      ++health_.status_errors_total;
    }
  };
  for (int answered = 0; answered < requests_per_turn; ++answered) {
    const auto served = status_.serve(reply_to);
    if (served == bus::StatusSocket::Served::nothing) {
      return;
    }
    if (served == bus::StatusSocket::Served::failed) {
      ++health_.status_errors_total;
    }
    if (bus::boot_now() >= until) {
      return;
    }
  }
}

}  // namespace heartbeat::daemon
