#include "watch/known.hpp"

#include <utility>

namespace heartbeat::hbctl::watch {

namespace {

constexpr Duration grace{1'000};  // for the next snapshot, after it was asked for
constexpr Duration second{1'000};
constexpr Duration news_for{60'000};

}  // namespace

void Known::take(Report&& report, Instant now) {
  next_ = report.next;
  if (auto* why = std::get_if<std::string>(&report.result)) {
    trouble_ = std::move(*why);
    return;
  }
  trouble_.clear();
  auto& fresh = std::get<Snapshot>(report.result);
  if (snapshot_ && snapshot_->health.epoch != fresh.health.epoch) {
    restarted_at_ = now;
  }
  // A run that has ended is still worth reading.
  const bool same_run = snapshot_ && snapshot_->wish.open == fresh.wish.open;
  if (same_run && fresh.open && !fresh.open->run && snapshot_->open) {
    fresh.open->run = std::move(snapshot_->open->run);
  }
  snapshot_ = std::move(fresh);
}

bool Known::outdated(Instant now) const {
  return !trouble_.empty() || now >= next_.value_or(asked_since_) + grace;
}

Duration Known::age(Instant now) const { return now - (snapshot_ ? snapshot_->at : asked_since_); }

std::optional<Duration> Known::restarted(Instant now) const {
  if (!restarted_at_ || now - *restarted_at_ > news_for) {
    return std::nullopt;
  }
  return now - *restarted_at_;
}

Instant Known::next_change(Instant now) const {
  return outdated(now) ? now + second - age(now) % second : next_.value_or(asked_since_) + grace;
}

}  // namespace heartbeat::hbctl::watch
