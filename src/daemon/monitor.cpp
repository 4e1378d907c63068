#include "daemon/monitor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>
#include <vector>

#include "bus/clock.hpp"
#include "daemon/log.hpp"
#include "daemon/settings.hpp"

namespace heartbeat::daemon {
namespace {

using namespace std::chrono_literals;

constexpr Duration finishing_max{400};  // for what is not yet in the state file
constexpr Duration finishing_late_max{30'000};
// Shares of one turn, so that no kind of work starves another.
constexpr std::size_t events_per_turn = 1'024;
constexpr std::size_t bytes_per_turn = 1024 * 1024;  // junk is one event, however large
constexpr int requests_per_turn = 64;
constexpr Duration answering_max{5};  // so that questions do not delay alerts

store::Clocks clocks() { return {bus::boot_now(), bus::wall_now()}; }

std::unique_ptr<store::StateFile> open_state_file(const Options& options) {
  return options.state
             ? std::make_unique<store::StateFile>(*options.state, clocks(), options.alerts_kept,
                                                  static_cast<int>(options.history_days))
             : nullptr;
}

}  // namespace

Monitor::Monitor(Options options, Reread reread, const bus::Signals& signals,
                 std::shared_ptr<spdlog::logger> logger)
    : options_(std::move(options)),
      reread_(std::move(reread)),
      signals_(signals),
      logger_(std::move(logger)),
      state_file_(open_state_file(options_)),
      watch_(options_, state_file_.get(), clocks(), bus::thread_worked(), logger_),
      report_(logger_),
      events_(context_, options_.endpoints.events),
      alerts_(context_, options_.endpoints.alerts, options_.alerts_kept),
      status_(context_, options_.endpoints.status, internal_error_reply()),
      probe_(context_, events_.endpoint()) {}

void Monitor::run() {
  const core::Limits& limits = options_.limits;
  logger_->info(
      "HeartbeatMonitor: started (check interval: {}ms), events {}, alerts {}, status {}, stale "
      "after {}ms, timeout after {}ms, epoch {}, version " HEARTBEAT_VERSION,
      limits.check_interval_ms.count(), events_.endpoint(), alerts_.endpoint(), status_.endpoint(),
      limits.stale_threshold_ms.count(), limits.timeout_threshold_ms.count(),
      watch_.alerts().epoch());
  std::vector<int> fds{signals_.fd()};
  if (state_file_) {
    fds.push_back(state_file_->fd());
  }
  while (!stopping_) {
    const Instant since = bus::boot_now();
    const Duration asked = watch_.time_to_sleep(since);
    bus::wait(watch_.room() != 0 ? &events_ : nullptr, alerts_, status_, fds, asked);
    const std::chrono::nanoseconds began = bus::since_boot();
    turn(asked, since);
    watch_.health().turn_us.add(static_cast<std::uint64_t>((bus::since_boot() - began) / 1us));
  }
  const store::Clocks at = clocks();
  watch_.begin_turn({at.now, bus::thread_worked()}, {});  // the last one may have been paused, too
  watch_.finish(at, finishing_max);
  publish(bus::boot_now());
  report_.finish();
  watch_.finish_late(at, finishing_late_max);
  logger_->info("HeartbeatMonitor: stopped");
}

// The instant is one for the whole turn; I/O comes before verdicts, or a pause of this process
// would look like everybody else's.
void Monitor::turn(Duration asked, Instant since) {
  const store::Clocks at = clocks();
  const Instant now = at.now;
  watch_.begin_turn({now, bus::thread_worked()}, std::min(asked, now - since));
  take_signals();  // new limits are held against deadlines that a pause has moved already
  probe(now);
  const bool drained = drain(now);
  watch_.judge(at, drained);
  watch_.commit(at);
  publish(now);
  beat(at);
  answer(at);
  report_.summarize(now);
}

void Monitor::probe(Instant now) {
  const bool connected = probe_.connected();
  if (std::exchange(probe_connections_, probe_.connections()) != probe_.connections()) {
    watch_.probes_lost();
  }
  if (watch_.wants_probe(now)) {
    if (connected) {
      probe_.send(watch_.probe_sent(now));
    } else {
      watch_.probe_unsent(now);
    }
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
    ++watch_.health().config_reload_failures_total;
    logger_->error("configuration not reloaded, nothing changed: {}", bad->message);
    return;
  }
  const auto& invocation = std::get<Invocation>(read);
  ++watch_.health().config_reloads_total;
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
  watch_.set_options(options_, bus::boot_now());
  logger_->set_level(spdlog::level::from_str(options_.log_level));
  return changed;
}

// Returns whether the socket was seen empty.
bool Monitor::drain(Instant now) {
  const std::size_t share = std::min(events_per_turn, watch_.room());
  std::string_view payload;
  std::size_t bytes = 0;
  std::size_t events = 0;
  bool empty = false;
  while (!empty && events < share && bytes < bytes_per_turn) {
    if (!events_.may_receive()) {
      fold(now);
    }
    switch (events_.receive(payload)) {
      case bus::EventSocket::Received::nothing:
        empty = true;
        break;
      case bus::EventSocket::Received::malformed:
        events += watch_.take({});
        break;
      case bus::EventSocket::Received::message:
        if (const auto number = probe_.number(payload)) {
          fold(now);
          watch_.probe_returned(*number);
        } else {
          events += watch_.take(payload);
          bytes += payload.size();
        }
        break;
    }
  }
  fold(now);
  return empty;
}

void Monitor::fold(Instant now) {
  watch_.fold(now);
  events_.release();
}

void Monitor::publish(Instant now) {
  while (const AlertLog::Entry* entry = watch_.next_alert()) {
    alerts_.publish(entry->topic, entry->payload);
    report_.add(entry->alert, now);
    watch_.published_next(bus::boot_now());
  }
}

void Monitor::beat(const store::Clocks& at) {
  if (const auto beat = watch_.next_beat(at)) {
    std::string payload;
    wire::encode(*beat, payload);
    alerts_.publish("monitor.beat", payload);
  }
}

void Monitor::answer(const store::Clocks& at) {
  const Instant until = bus::boot_now() + answering_max;
  const auto reply_to = [&](std::optional<std::string_view> request, std::string& reply) {
    watch_.answer(request, at, reply);
  };
  for (int answered = 0; answered < requests_per_turn; ++answered) {
    const auto served = status_.serve(reply_to);
    if (served == bus::StatusSocket::Served::nothing) {
      return;
    }
    if (served == bus::StatusSocket::Served::failed) {
      ++watch_.health().status_errors_total;
    }
    if (bus::boot_now() >= until) {
      return;
    }
  }
}

}  // namespace heartbeat::daemon
