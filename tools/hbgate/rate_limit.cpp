#include "rate_limit.hpp"

#include <algorithm>

namespace heartbeat::hbgate {

namespace {

double filled(double tokens, RateLimit::Time since, RateLimit::Time now) {
  const std::chrono::duration<double> passed = now - since;
  return std::min(RateLimit::at_once, tokens + passed.count() * RateLimit::per_second);
}

}  // namespace

bool RateLimit::allow(const std::string& address, Time now) {
  if (buckets_.size() >= addresses_max && !buckets_.contains(address)) {
    forget_the_quiet(now);
  }
  Bucket& bucket = buckets_.try_emplace(address, Bucket{at_once, now}).first->second;
  bucket.tokens = filled(bucket.tokens, bucket.filled_at, now);
  bucket.filled_at = now;
  if (bucket.tokens < 1) {
    return false;
  }
  bucket.tokens -= 1;
  return true;
}

// Whoever has sent nothing for as long as its bucket needs to fill loses nothing by it. Where all
// are busy, all begin anew: so many addresses are one person's only if that person has them all.
void RateLimit::forget_the_quiet(Time now) {
  std::erase_if(buckets_, [now](const auto& entry) {
    return filled(entry.second.tokens, entry.second.filled_at, now) >= at_once;
  });
  if (buckets_.size() >= addresses_max) {
    buckets_.clear();
  }
}

}  // namespace heartbeat::hbgate
