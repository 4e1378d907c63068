// What alerts say besides their verdicts: ages, limits, and why a silence may be none.
#include <algorithm>

#include "finding.hpp"
#include "truth.hpp"

namespace heartbeat::simulation {
namespace {

constexpr std::uint64_t counted_exactly = 64;  // so far behind the highest seq

void require_between(const Alert& alert, const std::string& field, std::uint64_t said,
                     std::uint64_t min, std::uint64_t max) {
  require(min <= said && said <= max, alert.kind + " " + alert.id + " of " + alert.agent_id + "/" +
                                          alert.run_id + " says " + field + " " +
                                          std::to_string(said) + ", which is not from " +
                                          std::to_string(min) + " to " + std::to_string(max));
}

void require_between(const Alert& alert, const std::string& field, Duration said, Duration min,
                     Duration max) {
  require_between(alert, field, static_cast<std::uint64_t>(said.count()),
                  static_cast<std::uint64_t>(std::max(min, Duration{}).count()),
                  static_cast<std::uint64_t>(max.count()));
}

}  // namespace

Truth::Fields Truth::fields(const Run& run, Duration threshold, Instant at) const {
  Fields fields;
  fields.idle = at - run.active;
  fields.elapsed = at - run.started;
  fields.threshold = threshold;
  // A start that wrote nothing lies within the downtime after it, as the file has it.
  const auto down = [&](const std::vector<Pause>& downtimes) {
    Duration sum{};
    Instant reached = run.active;
    for (const Pause& each : downtimes) {
      sum += std::max(std::min(at, each.to) - std::max(each.from, reached), Duration{});
      reached = std::max(reached, each.to);
    }
    return sum;
  };
  // A pause before an event that tells of an older activity need not be counted.
  fields.blind_min =
      run.paused_active + paused(run.active_at, true, at) + down(downtimes_) - rounding;
  fields.blind_max = run.paused_active + paused(std::min(run.active, run.active_at), false, at) +
                     down(downtimes_perhaps_) + rounding;
  count_lost(run.mark, fields);
  return fields;
}

void Truth::count_lost(const Mark& mark, Fields& fields) const {
  const auto found = sources_.find(mark.source);
  if (found == sources_.end() && !mark.source.empty()) {
    fields.lost_max = UINT64_MAX;  // about to be forgotten, after an hour
  }
  if (found == sources_.end() || found->second.seen.empty() ||
      found->second.incarnation != mark.incarnation) {
    return;
  }
  const Source& source = found->second;
  const std::uint64_t highest = source.seen.rbegin()->first;
  const std::uint64_t from = std::max(mark.seq, source.base);
  if (highest <= from) {
    return;
  }
  const auto seen = std::distance(source.seen.upper_bound(from), source.seen.end());
  fields.lost_max = highest - from - static_cast<std::uint64_t>(seen);
  fields.lost_min = highest - mark.seq <= counted_exactly ? fields.lost_max : 0;
}

void Truth::check_fields(const Alert& alert, const Fields& fields) {
  require_between(alert, "idle_ms", alert.idle_ms, fields.idle, fields.idle);
  require_between(alert, "elapsed_ms", alert.elapsed_ms, fields.elapsed, fields.elapsed);
  require_between(alert, "threshold_ms", alert.threshold_ms, fields.threshold, fields.threshold);
  require_between(alert, "blind_ms", alert.blind_ms, fields.blind_min, fields.blind_max);
  require_between(alert, "lost_events", alert.lost_events, fields.lost_min, fields.lost_max);
}

}  // namespace heartbeat::simulation
