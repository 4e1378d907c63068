#include "daemon/watermark.hpp"

namespace heartbeat::daemon {
namespace {

constexpr Duration idle_interval{1'000};

}  // namespace

bool Watermark::wants_probe(std::optional<Instant> deadline, Instant now) const {
  if (on_their_way_.size() >= on_their_way_max) {
    return false;
  }
  const bool due =
      deadline && *deadline < now && *deadline >= read_to_ && !is_on_its_way(*deadline);
  return due || now - last_sent_ >= idle_interval;
}

std::uint64_t Watermark::sent(Instant now) {
  on_their_way_.push_back({++numbers_, now, paused_});
  oldest_ = oldest_.value_or(on_their_way_.back());
  unsent_ = false;
  last_sent_ = now;
  return numbers_;
}

void Watermark::unsent(Instant now) {
  oldest_ = oldest_.value_or(Sent{0, now, paused_});
  unsent_ = true;
}

void Watermark::returned(std::uint64_t number) {
  while (!on_their_way_.empty() && on_their_way_.front().number <= number) {
    read_to_ = on_their_way_.front().at;
    on_their_way_.pop_front();
    oldest_.reset();
  }
  if (!oldest_ && !on_their_way_.empty()) {
    oldest_ = on_their_way_.front();
  }
}

Duration Watermark::lag(Instant now) const {
  return oldest_ ? now - oldest_->at - (paused_ - oldest_->paused_before) : Duration{};
}

}  // namespace heartbeat::daemon
