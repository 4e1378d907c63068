// What is known of the monitor, and since when: what it once said is never shown as if it said so
// now.
#pragma once

#include <optional>
#include <string>

#include "watch/snapshot.hpp"

namespace heartbeat::hbctl::watch {

class Known {
 public:
  Known(std::string endpoint, Instant began)
      : endpoint_(std::move(endpoint)), asked_since_(began) {}

  void take(Report&& report, Instant now);

  const std::string& endpoint() const { return endpoint_; }
  // The newest; nullopt = it has never answered.
  const std::optional<Snapshot>& snapshot() const { return snapshot_; }
  // Why the last question had no answer; "" = it had one.
  const std::string& trouble() const { return trouble_; }
  // The snapshot is no longer what is: there is trouble, or its successor should be there by now.
  bool outdated(Instant now) const;
  // Since what is shown was asked for; before the first answer, since the first question.
  Duration age(Instant now) const;
  // How long ago another epoch began, for as long as that is news.
  std::optional<Duration> restarted(Instant now) const;
  // When the above changes if nothing else happens.
  Instant next_change(Instant now) const;

 private:
  std::string endpoint_;
  Instant asked_since_;
  std::optional<Snapshot> snapshot_;
  std::string trouble_;
  std::optional<Instant> next_;
  std::optional<Instant> restarted_at_;
};

}  // namespace heartbeat::hbctl::watch
