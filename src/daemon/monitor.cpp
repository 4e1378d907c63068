#include "daemon/monitor.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include "bus/clock.hpp"
#include "daemon/log.hpp"

namespace heartbeat::daemon {
namespace {

constexpr Duration sleep_max{50};
constexpr Duration beat_interval{1'000};
// A flood may keep the socket from ever being seen empty; verdicts then wait this long, not for
// ever.
constexpr Duration ingest_lag_max{5'000};
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
      events_(context_, options_.endpoints.events),
      alerts_(context_, options_.endpoints.alerts, options_.alerts_kept),
      status_(context_, options_.endpoints.status, internal_error_reply()),
      fleet_(options_.limits),
      log_(make_epoch(), options_.alerts_kept),
      report_(logger_),
      desk_(fleet_, log_, health_),
      seen_empty_(bus::boot_now()),
      next_beat_(seen_empty_) {
  health_.started = health_.checked_to = seen_empty_;
}

void Monitor::run() {
  const core::Limits& limits = fleet_.limits();
  logger_->info(
      "HeartbeatMonitor: started (check interval: {}ms), events {}, alerts {}, status {}, stale "
      "after {}ms, timeout after {}ms, epoch {}, version " HEARTBEAT_VERSION,
      limits.check_interval_ms.count(), events_.endpoint(), alerts_.endpoint(), status_.endpoint(),
      limits.stale_threshold_ms.count(), limits.timeout_threshold_ms.count(), log_.epoch());
  while (!stopping_) {
    bus::wait(events_, alerts_, status_, signals_.fd(), time_to_sleep());
    turn();
  }
  report_.finish();
  logger_->info("HeartbeatMonitor: stopped");
}

// The instant is one for the whole turn; I/O comes before verdicts, or a pause of this process
// would look like everybody else's.
void Monitor::turn() {
  take_signals();
  const Instant now = bus::boot_now();
  const bool drained = drain(now);
  judge(now, drained);
  publish();
  beat(now);
  answer(now);
  report_.summarize(now);
}

Duration Monitor::time_to_sleep() const {
  if (work_left_) {
    return Duration{};
  }
  const Instant now = bus::boot_now();
  Instant until = std::min(now + sleep_max, next_beat_);
  if (const auto deadline = fleet_.next_deadline()) {
    // It has to be exceeded, and the clock is read in whole milliseconds.
    until = std::min(until, *deadline + Duration{1});
  }
  return std::max(until - now, Duration{});
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
  apply(invocation.options);
  const core::Limits& limits = fleet_.limits();
  logger_->info("configuration reloaded from {}: stale after {}ms, timeout after {}ms",
                invocation.options.config.value_or("the environment alone (no --config)"),
                limits.stale_threshold_ms.count(), limits.timeout_threshold_ms.count());
}

void Monitor::apply(const Options& options) {
  const auto fixed = [&](std::string_view option, bool changed) {
    if (changed) {
      logger_->warn("{}: the new value needs a restart", option);
    }
  };
  fixed("--events", options.endpoints.events != options_.endpoints.events);
  fixed("--alerts", options.endpoints.alerts != options_.endpoints.alerts);
  fixed("--status", options.endpoints.status != options_.endpoints.status);
  fixed("--alerts-kept", options.alerts_kept != options_.alerts_kept);
  fixed("--log-format", options.log_format != options_.log_format);
  fleet_.set_limits(options.limits);
  logger_->set_level(spdlog::level::from_str(options.log_level));
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

// Only what had arrived before a deadline can tell whether it was kept, so deadlines fire up to
// the instant at which nothing was left to read. The lag counts from the first turn that left
// something: time in which this process did not run at all is not lag.
void Monitor::judge(Instant now, bool drained) {
  if (drained) {
    seen_empty_ = now;
    behind_since_.reset();
  } else if (!behind_since_) {
    behind_since_ = now;
  }
  const bool requeuing = fleet_.requeue(requeued_per_turn);
  health_.ingest_lag_ms = behind_since_ ? now - *behind_since_ : Duration{};
  health_.overloaded = health_.ingest_lag_ms > ingest_lag_max;
  const Instant watermark = health_.overloaded ? now - ingest_lag_max : seen_empty_;
  fleet_.advance(watermark, now, deadlines_per_turn, transitions_);
  health_.checked_to = watermark;
  const auto deadline = fleet_.next_deadline();
  work_left_ = requeuing || !drained || (deadline && *deadline < watermark);
}

void Monitor::publish() {
  for (const core::Transition& transition : transitions_) {
    const auto& entry = log_.add(transition, bus::wall_now(), health_.overloaded);
    alerts_.publish(entry.topic, entry.payload);
    report_.add(entry.alert, bus::boot_now());
  }
  transitions_.clear();
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
  beat.alert_seq = log_.last_seq();
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
