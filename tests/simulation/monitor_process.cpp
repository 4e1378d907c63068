#include "monitor_process.hpp"

#include <algorithm>
#include <utility>

namespace heartbeat::simulation {
namespace {

constexpr Duration busy_turn{1};  // a turn takes time where another follows at once
constexpr Duration finishing_max{400};
constexpr int events_per_turn = 20;  // few, so that some are left

}  // namespace

MonitorProcess::MonitorProcess(Timeline& timeline, Chance& chance, const Plan& plan,
                               const Machine& machine, Disk& disk, Onlooker& onlooker,
                               std::shared_ptr<spdlog::logger> logger)
    : timeline_(timeline),
      chance_(chance),
      plan_(plan),
      machine_(machine),
      disk_(disk),
      onlooker_(onlooker),
      logger_(std::move(logger)) {}

void MonitorProcess::start() {
  ++life_;
  disk_.open(machine_.clocks(), machine_.boot());
  watch_.emplace(
      plan_.options, plan_.keeps_state ? &disk_ : nullptr, machine_.clocks(), worked_, logger_,
      [this] { return "epoch" + std::to_string(++epochs_); }, plan_.shares);
  since_ = received_ = stopped_until_ = timeline_.now();
  asked_ = stop_in_turn_ = Duration{};
  in_turn_ = reloads_ = false;
  next_turn_.reset();
  wake();
}

void MonitorProcess::kill() {
  ++life_;
  left_file_ = watch_->health().state_epochs_left_total > 0;
  watch_.reset();
  inbox_.clear();
}

bool MonitorProcess::end() {
  if (in_turn_ || timeline_.now() < stopped_until_) {
    return false;
  }
  const store::Clocks clocks = machine_.clocks();
  watch_->begin_turn({clocks.now, worked_}, std::min(asked_, timeline_.now() - since_));
  watch_->finish(clocks, finishing_max);
  publish();
  kill();
  return true;
}

void MonitorProcess::stop(Duration pause, bool in_turn) {
  if (!watch_ || in_turn_ || timeline_.now() < stopped_until_) {
    return;
  }
  if (in_turn) {
    stop_in_turn_ = pause;
  } else {
    stopped_until_ = std::max(stopped_until_, timeline_.now() + pause);
    onlooker_.stops(timeline_.now(), timeline_.now() + pause);
  }
}

void MonitorProcess::later(Duration delay, Timeline::Action action) {
  timeline_.after(delay, [this, life = life_, action = std::move(action)] {
    if (life == life_) {
      action();
    }
  });
}

void MonitorProcess::deliver(const SharedMessage& message) {
  if (watch_) {
    onlooker_.arrives(message);
    receive({message});
  }
}

// One queue for all, in order of arrival, read as late as the input thread is behind.
void MonitorProcess::receive(Arrival arrival) {
  received_ = std::max(received_, timeline_.now() + lag_);
  later(received_ - timeline_.now(), [this, arrival = std::move(arrival)] {
    inbox_.push_back(arrival);
    wake();
  });
}

void MonitorProcess::turn_at(Instant when) {
  if (!watch_ || in_turn_ || (next_turn_ && *next_turn_ <= when)) {
    return;
  }
  next_turn_ = when;
  later(when - timeline_.now(), [this, turn = ++turns_arranged_] {
    if (turn == turns_arranged_) {
      begin_turn();
    }
  });
}

void MonitorProcess::begin_turn() {
  const Instant at = timeline_.now();
  next_turn_.reset();
  if (at < stopped_until_) {
    return turn_at(stopped_until_);
  }
  in_turn_ = true;
  const store::Clocks clocks = machine_.clocks();
  watch_->begin_turn({clocks.now, worked_}, std::min(asked_, at - since_));
  if (std::exchange(reloads_, false)) {
    watch_->set_options(onlooker_.rereads(at), clocks.now);
  }
  if (watch_->wants_probe(clocks.now)) {
    later(chance_.time(Duration{0}, Duration{1}), [this, probe = watch_->probe_sent(clocks.now)] {
      receive({nullptr, probe});
    });
  }
  const Duration pause = std::exchange(stop_in_turn_, Duration{});
  if (pause != Duration{}) {
    onlooker_.stops(at, at + pause);
  }
  later(pause, [this, clocks, at] { finish_turn(clocks, at); });
}

void MonitorProcess::finish_turn(const store::Clocks& clocks, Instant at) {
  const bool drained = drain(clocks, at);
  watch_->judge(clocks, drained);
  onlooker_.judged(at, drained, *watch_);
  watch_->commit(clocks);
  disk_.batch_left_out(watch_->health().state_changes_waiting > 1);  // one is that batch itself
  publish();
  if (const auto beat = watch_->next_beat(clocks)) {
    onlooker_.beats(*beat);
  }
  in_turn_ = false;
  since_ = timeline_.now();
  asked_ = watch_->time_to_sleep(machine_.clocks().now);
  if (asked_ == Duration{}) {
    worked_ += busy_turn;
  }
  turn_at(since_ + std::max(asked_, busy_turn));
}

bool MonitorProcess::drain(const store::Clocks& clocks, Instant at) {
  for (int events = 0; !inbox_.empty(); ++events) {
    if (events == events_per_turn) {
      return false;
    }
    const Arrival arrival = std::move(inbox_.front());
    inbox_.pop_front();
    if (arrival.message) {
      onlooker_.reads(arrival.message, at, *watch_);
      const std::string payload = arrival.message->payload();
      watch_->take(payload);
      watch_->fold(clocks.now);
    } else {
      watch_->probe_returned(arrival.probe);
    }
  }
  return true;
}

void MonitorProcess::publish() {
  while (const daemon::AlertLog::Entry* entry = watch_->next_alert()) {
    onlooker_.publishes(*entry);
    watch_->published_next(machine_.clocks().now);
  }
}

}  // namespace heartbeat::simulation
