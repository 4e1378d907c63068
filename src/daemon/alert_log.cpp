#include "daemon/alert_log.hpp"

#include <spdlog/fmt/fmt.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
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

template <class Unit>
std::uint64_t whole(Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::floor<Unit>(duration).count());
}

template <class... Parts>
void write(std::string& out, fmt::format_string<Parts...> form, Parts&&... parts) {
  fmt::format_to(std::back_inserter(out), form, std::forward<Parts>(parts)...);
}

void write_resolved(const Transition& transition, std::string& out) {
  const auto silence = whole<std::chrono::seconds>(transition.idle);
  switch (transition.reason) {
    case Reason::none:
    case Reason::activity:
      return write(out, "Resolved: agent {} active again after {}s", transition.agent_id, silence);
    case Reason::promise:
      return write(out, "Resolved: agent {} announced when it will be heard next, after {}s",
                   transition.agent_id, silence);
    case Reason::unregistered:
      return write(out, "Resolved: agent {} unregistered after {}s", transition.agent_id, silence);
    case Reason::re_registered:
      return write(out, "Resolved: agent {} registered again after {}s", transition.agent_id,
                   silence);
    case Reason::subsided:
      return transition.ends == TransitionKind::storm
                 ? write(out, "Resolved: the storm is over, {} of {} runs are stale",
                         transition.runs, transition.of_runs)
                 : write(out, "Resolved: {} of {} runs in flight, new runs are watched again",
                         transition.runs, transition.of_runs);
  }
}

void write_message(const Transition& transition, std::string& out) {
  switch (transition.kind) {
    case TransitionKind::stale:
      return write(out, "Stale agent detected: {} idle for {}s", transition.agent_id,
                   whole<std::chrono::seconds>(transition.idle));
    case TransitionKind::timeout:
      return write(out, "Timeout: agent {} running for {}min (task: {})", transition.agent_id,
                   whole<std::chrono::minutes>(transition.elapsed),
                   transition.task_id.empty() ? "unknown" : transition.task_id);
    case TransitionKind::resolved:
      return write_resolved(transition, out);
    case TransitionKind::storm:
      return write(out,
                   "Storm: {} of {} runs fell silent within {}s; look first at what they share "
                   "(bus, network, host)",
                   transition.runs, transition.of_runs,
                   whole<std::chrono::seconds>(core::storm_window));
    case TransitionKind::capacity:
      return write(out, "Capacity: {} of {} runs in flight, new runs go unwatched", transition.runs,
                   transition.of_runs);
  }
}

constexpr std::size_t published_entries_max = 1'024;

// An episode's number: which epoch it was opened in, and the how manieth of that it is.
constexpr int episode_bits = 48;
constexpr std::uint64_t first_of(std::size_t epoch) { return std::uint64_t{epoch} << episode_bits; }

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

AlertLog::AlertLog(std::string epoch, std::size_t kept_max)
    : epoch_(std::move(epoch)), kept_max_(kept_max) {}

const AlertLog::Entry& AlertLog::add(const Transition& transition, WallTime now, bool overloaded) {
  Entry& entry = new_entry();
  entry.slot = transition.slot;
  entry.kind = transition.kind;
  entry.deadline = transition.deadline;
  Alert& alert = entry.alert;
  alert.epoch = epoch_;
  alert.seq = ++last_seq_;
  write_id(transition.episode, alert.id);
  alert.severity = severity(transition.kind);
  alert.kind = name(transition.kind);
  alert.agent_id = transition.agent_id;
  alert.run_id = transition.run_id;
  alert.task_id = transition.task_id;
  alert.agent_type = transition.agent_type;
  alert.message.clear();
  write_message(transition, alert.message);
  alert.idle_ms = transition.idle;
  alert.idle_seconds = whole<std::chrono::seconds>(transition.idle);
  alert.elapsed_ms = transition.elapsed;
  alert.elapsed_seconds = whole<std::chrono::seconds>(transition.elapsed);
  alert.elapsed_minutes = whole<std::chrono::minutes>(transition.elapsed);
  alert.threshold_ms = transition.threshold;
  alert.raised_at = now;
  alert.reason = name(transition.reason);
  write_id(transition.supersedes, alert.supersedes);
  alert.lost_events = transition.lost_events;
  alert.blind_ms = transition.blind;
  write_id(transition.storm, alert.storm);
  alert.since_seq = transition.kind == TransitionKind::storm
                        ? alert.seq - std::min(transition.since, alert.seq - 1)
                        : 0;
  alert.overloaded = overloaded;
  alert.replayed = false;

  encode(entry);
  return entry;
}

AlertLog::Entry& AlertLog::new_entry() {
  if (published_entries_.empty()) {
    return unpublished_.emplace_back();
  }
  unpublished_.splice(unpublished_.end(), published_entries_, published_entries_.begin());
  return unpublished_.back();
}

void AlertLog::encode(Entry& entry) {
  const Alert& alert = entry.alert;
  entry.topic.clear();
  write(entry.topic, "alert.{}.{}.{}", alert.severity, alert.kind, alert.agent_id);
  entry.payload.clear();
  wire::encode(alert, entry.payload);
}

const AlertLog::Entry* AlertLog::next(std::uint64_t seq_max) const {
  return unpublished_.empty() || published_seq() >= seq_max ? nullptr : &unpublished_.front();
}

void AlertLog::published_next() {
  ++published_[static_cast<std::size_t>(unpublished_.front().kind)];
  keep(unpublished_.front().payload);
  if (published_entries_.size() < published_entries_max) {
    published_entries_.splice(published_entries_.begin(), unpublished_, unpublished_.begin());
  } else {
    unpublished_.pop_front();
  }
}

void AlertLog::keep(const std::string& payload) {
  kept_.push_back(payload);
  if (kept_.size() > kept_max_) {
    kept_.pop_front();
  }
}

std::size_t episode_epoch(std::uint64_t episode) { return episode >> episode_bits; }

std::string AlertLog::episode_id(std::uint64_t episode) const {
  std::string id;
  write_id(episode, id);
  return id;
}

void AlertLog::write_id(std::uint64_t episode, std::string& out) const {
  out.clear();
  if (episode != 0) {
    write(out, "{}-{}", epochs_.at(episode_epoch(episode)), episode & (first_of(1) - 1));
  }
}

void AlertLog::resume(std::string epoch, std::vector<std::string> epochs, std::uint64_t last_seq,
                      std::uint64_t published, std::vector<Alert> alerts) {
  epoch_ = std::move(epoch);
  epochs_ = std::move(epochs);
  last_seq_ = last_seq;
  for (Alert& alert : alerts) {
    const bool again = alert.seq > published;
    alert.replayed = alert.replayed || again;
    Entry entry;
    entry.kind = from_name<core::TransitionKind>(alert.kind).value();
    entry.alert = std::move(alert);
    encode(entry);
    if (again) {
      unpublished_.push_back(std::move(entry));
    } else {
      keep(entry.payload);
    }
  }
}

std::uint64_t AlertLog::begin_epoch(std::string epoch) {
  epoch_ = std::move(epoch);
  epochs_.push_back(epoch_);
  kept_.clear();
  last_seq_ = 0;
  for (Entry& entry : unpublished_) {
    Alert& alert = entry.alert;
    const std::uint64_t before = alert.seq - alert.since_seq;
    alert.epoch = epoch_;
    alert.seq = ++last_seq_;
    alert.replayed = false;
    if (alert.since_seq != 0) {
      alert.since_seq = alert.seq - std::min(before, alert.seq - 1);
    }
    encode(entry);
  }
  return first_of(epochs_.size() - 1);
}

AlertsPage<wire::EncodedMap> AlertLog::page(std::uint64_t since_seq,
                                            const std::optional<std::string>& epoch,
                                            std::uint64_t limit, std::size_t bytes_max) const {
  AlertsPage<wire::EncodedMap> page;
  page.epoch = epoch_;
  page.last_seq = published_seq();
  page.first_seq = page.last_seq - kept_.size() + 1;
  const bool ours = !epoch || *epoch == epoch_;
  const std::uint64_t after = ours ? std::max(since_seq, page.first_seq - 1) : page.first_seq - 1;
  std::size_t bytes = 0;
  for (std::uint64_t seq = after; seq < page.last_seq && page.alerts.size() < limit; ++seq) {
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
