#include "agent.hpp"

#include <utility>

namespace heartbeat::simulation {
namespace {

constexpr Duration changes_kept{5'000};

}  // namespace

Agent::Agent(Timeline& timeline, Chance& chance, const Plan& plan, std::string agent_id, int number,
             Send send)
    : timeline_(timeline),
      chance_(chance),
      plan_(plan),
      agent_id_(std::move(agent_id)),
      number_(number),
      by_library_(!chance.one_in(4)),
      names_runs_(!chance.one_in(3)),
      send_(std::move(send)) {
  timeline_.after(chance_.time(Duration{0}, Duration{3'000}), [this] { live(); });
}

Duration Agent::beat() {
  const Duration threshold = plan_.options.limits.stale_threshold_ms;
  return chance_.time(threshold / 10, threshold / 3);
}

// What it does next, and when it looks again.
void Agent::live() {
  const auto again_in = [this](Duration delay) { timeline_.after(delay, [this] { live(); }); };
  if (timeline_.now() < stopped_until_) {
    return again_in(stopped_until_ - timeline_.now());
  }
  const Duration threshold = plan_.options.limits.stale_threshold_ms;
  switch (mood_) {
    case Mood::gone:
      if (!settling_) {
        begin();
      }
      return again_in(beat());
    case Mood::hanging:
      if (!settling_ && chance_.one_in(3)) {
        mood_ = Mood::gone;  // crashed, or killed
        ++processes_;
        return again_in(chance_.time(Duration{0}, threshold));
      }
      mood_ = Mood::working;
      act();
      return again_in(beat());
    case Mood::working:
      if (settling_ || !chance_.one_in(12)) {
        act();
        return again_in(beat());
      }
      if (chance_.one_in(2)) {
        mood_ = Mood::hanging;
        return again_in(chance_.time(threshold / 2, 5 * threshold));
      }
      end();
      return again_in(chance_.one_in(3) ? Duration{0} : chance_.time(Duration{0}, threshold));
  }
}

void Agent::begin() {
  if (processes_ == 0 || (!source_.empty() && chance_.one_in(4))) {
    ++processes_;
  }
  const std::string source =
      by_library_ ? "s" + std::to_string(number_) + "." + std::to_string(processes_) : "";
  if (source != source_) {
    source_ = source;
    change_seq_ = beat_seq_ = 0;
    changes_.clear();
  }
  run_id_ =
      "o" + std::to_string(number_) + (names_runs_ ? "." + std::to_string(++runs_) : std::string{});
  mood_ = Mood::working;
  started_ = active_ = timeline_.now();
  idle_ = false;
  promised_until_ = {};
  Message message = event(EventKind::register_);
  if (chance_.one_in(4)) {
    message.timeout_after_ms = chance_.time(Duration{1'000}, Duration{20'000});
  }
  if (chance_.one_in(6)) {
    message.stale_after_ms = chance_.time(Duration{300}, Duration{6'000});
    promised_until_ = timeline_.now() + *message.stale_after_ms;
  }
  tell(std::move(message), true);
}

void Agent::act() {
  const bool was_idle = std::exchange(idle_, chance_.one_in(12));
  if (!idle_) {
    active_ = timeline_.now();
    promised_until_ = {};
  }
  Message message = event(idle_ ? EventKind::idle : EventKind::activity);
  if (chance_.one_in(10)) {
    message.stale_after_ms = chance_.time(Duration{300}, Duration{6'000});
    promised_until_ = timeline_.now() + *message.stale_after_ms;
  }
  tell(std::move(message), idle_ != was_idle || message.stale_after_ms);
}

void Agent::end() {
  mood_ = Mood::gone;
  tell(event(EventKind::unregister), true);
}

Message Agent::event(EventKind kind) const {
  Message message;
  message.kind = kind;
  message.agent_id = agent_id_;
  message.run_id = run_id_;
  if (plan_.ages_told && by_library_) {
    message.running_for_ms = timeline_.now() - started_;
  }
  return message;
}

void Agent::tell(Message message, bool change) {
  if (by_library_) {
    message.source = source_ + (change ? ".changes" : ".beats");
    message.seq = change ? ++change_seq_ : ++beat_seq_;
  }
  if (change && by_library_) {
    changes_.push_back({timeline_.now(), message});
  }
  send_(std::make_shared<const Message>(std::move(message)));
}

void Agent::subscribed() {
  if (!by_library_ || timeline_.now() < stopped_until_) {
    return;
  }
  while (!changes_.empty() && timeline_.now() - changes_.front().at > changes_kept) {
    changes_.pop_front();
  }
  for (const Change& change : changes_) {
    Message message = change.message;
    const Duration since = timeline_.now() - change.at;
    if (message.running_for_ms) {
      *message.running_for_ms += since;
    }
    if (message.kind != EventKind::unregister) {
      message.idle_for_ms = message.idle_for_ms.value_or(Duration{}) + since;
    }
    send_(std::make_shared<const Message>(std::move(message)));
  }
  if (mood_ == Mood::gone) {
    return;
  }
  Message state = event(idle_ ? EventKind::idle : EventKind::activity);
  state.running_for_ms = timeline_.now() - started_;
  state.idle_for_ms = timeline_.now() - active_;
  if (promised_until_ > timeline_.now()) {
    state.stale_after_ms = promised_until_ - timeline_.now();
  }
  tell(std::move(state), false);
}

}  // namespace heartbeat::simulation
