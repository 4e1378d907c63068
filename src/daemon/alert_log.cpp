#include "daemon/alert_log.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/limits.hpp"

namespace heartbeat::daemon {
namespace {

using core::Reason;
using core::Transition;
using core::TransitionKind;

std::string_view severity(TransitionKind kind) {
  switch (kind) {
    case TransitionKind::stale:
      return "warning";
    case TransitionKind::timeout:
    case TransitionKind::storm:
    case TransitionKind::capacity:
      return "error";
    case TransitionKind::resolved:
      return "info";
  }
  return {};
}

std::string seconds(Duration duration) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(duration).count());
}

std::string runs_of(const Transition& transition) {
  return std::to_string(transition.runs) + " of " + std::to_string(transition.of_runs) + " runs";
}

std::string resolved_message(const Transition& transition, Duration idle) {
  const std::string agent = "Resolved: agent " + transition.agent_id;
  switch (transition.reason) {
    case Reason::none:
    case Reason::activity:
      return agent + " active again after " + seconds(idle) + "s";
    case Reason::promise:
      return agent + " announced when it will be heard next, after " + seconds(idle) + "s";
    case Reason::unregistered:
      return agent + " unregistered after " + seconds(idle) + "s";
    case Reason::re_registered:
      return agent + " registered again after " + seconds(idle) + "s";
    case Reason::subsided:
      return transition.ends == TransitionKind::storm
                 ? "Resolved: the storm is over, " + runs_of(transition) + " are stale"
                 : "Resolved: " + runs_of(transition) + " in flight, new runs are watched again";
  }
  return {};
}

std::string message(const Transition& transition, Duration idle, Duration elapsed) {
  switch (transition.kind) {
    case TransitionKind::stale:
      return "Stale agent detected: " + transition.agent_id + " idle for " + seconds(idle) + "s";
    case TransitionKind::timeout: {
      const auto minutes = std::chrono::floor<std::chrono::minutes>(elapsed).count();
      return "Timeout: agent " + transition.agent_id + " running for " + std::to_string(minutes) +
             "min (task: " + (transition.task_id.empty() ? "unknown" : transition.task_id) + ")";
    }
    case TransitionKind::resolved:
      return resolved_message(transition, idle);
    case TransitionKind::storm:
      return "Storm: " + runs_of(transition) + " fell silent within " +
             seconds(core::storm_window) + "s; look first at what they share (bus, network, host)";
    case TransitionKind::capacity:
      return "Capacity: " + runs_of(transition) + " in flight, new runs go unwatched";
  }
  return {};
}

template <class Unit>
std::uint64_t whole(Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::floor<Unit>(duration).count());
}

}  // namespace

std::string make_epoch() {
  std::array<unsigned char, 8> bytes{};
  ssize_t length = 0;
  do {
    length = getrandom(bytes.data(), bytes.size(), 0);
  } while (length < 0 && errno == EINTR);
  if (length != static_cast<ssize_t>(bytes.size())) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  constexpr std::string_view digits = "0123456789abcdef";
  std::string epoch;
  for (const unsigned char byte : bytes) {
    epoch += digits[byte >> 4U];
    epoch += digits[byte & 0xFU];
  }
  return epoch;
}

std::string episode_id(std::string_view epoch, std::uint64_t episode) {
  return episode == 0 ? std::string{} : std::string{epoch} + "-" + std::to_string(episode);
}

AlertLog::AlertLog(std::string epoch, std::size_t kept_max)
    : epoch_(std::move(epoch)), kept_max_(kept_max) {}

const AlertLog::Entry& AlertLog::add(const Transition& transition, WallTime now, bool overloaded) {
  const Duration idle = transition.idle;
  const Duration elapsed = transition.elapsed;
  Alert& alert = entry_.alert = Alert{};
  alert.epoch = epoch_;
  alert.seq = ++last_seq_;
  alert.id = episode_id(epoch_, transition.episode);
  alert.severity = severity(transition.kind);
  alert.kind = name(transition.kind);
  alert.agent_id = transition.agent_id;
  alert.run_id = transition.run_id;
  alert.task_id = transition.task_id;
  alert.agent_type = transition.agent_type;
  alert.message = message(transition, idle, elapsed);
  alert.idle_ms = idle;
  alert.idle_seconds = whole<std::chrono::seconds>(idle);
  alert.elapsed_ms = elapsed;
  alert.elapsed_seconds = whole<std::chrono::seconds>(elapsed);
  alert.elapsed_minutes = whole<std::chrono::minutes>(elapsed);
  alert.threshold_ms = transition.threshold;
  alert.raised_at = now;
  alert.reason = name(transition.reason);
  alert.supersedes = episode_id(epoch_, transition.supersedes);
  alert.lost_events = transition.lost_events;
  alert.blind_ms = transition.blind;
  alert.storm = episode_id(epoch_, transition.storm);
  if (transition.kind == TransitionKind::storm) {
    alert.since_seq = last_seq_ - std::min(transition.since, last_seq_ - 1);
  }
  alert.overloaded = overloaded;

  entry_.topic = "alert." + alert.severity + "." + alert.kind + "." + alert.agent_id;
  entry_.payload.clear();
  wire::encode(alert, entry_.payload);

  ++published_[static_cast<std::size_t>(transition.kind)];
  kept_.push_back(entry_.payload);
  if (kept_.size() > kept_max_) {
    kept_.pop_front();
  }
  return entry_;
}

AlertsPage<wire::EncodedMap> AlertLog::page(std::uint64_t since_seq,
                                            const std::optional<std::string>& epoch,
                                            std::uint64_t limit, std::size_t bytes_max) const {
  AlertsPage<wire::EncodedMap> page;
  page.epoch = epoch_;
  page.last_seq = last_seq_;
  page.first_seq = last_seq_ - kept_.size() + 1;
  const bool ours = !epoch || *epoch == epoch_;
  const std::uint64_t after = ours ? std::max(since_seq, page.first_seq - 1) : page.first_seq - 1;
  std::size_t bytes = 0;
  for (std::uint64_t seq = after; seq < last_seq_ && page.alerts.size() < limit; ++seq) {
    const std::string& encoded = kept_[static_cast<std::size_t>(seq + 1 - page.first_seq)];
    bytes += encoded.size();
    if (bytes > bytes_max && !page.alerts.empty()) {
      break;
    }
    page.alerts.push_back({encoded});
  }
  return page;
}

}  // namespace heartbeat::daemon
