// What concerns the fleet as a whole: storms and capacity, by PROTOCOL.md.
#include <algorithm>
#include <utility>

#include "finding.hpp"
#include "truth.hpp"

namespace heartbeat::simulation {
namespace {

constexpr std::size_t storm_runs_min = 10;
constexpr Duration storm_window{5'000};

std::string numbers(std::size_t runs, std::size_t of_runs) {
  return " " + std::to_string(runs) + " of " + std::to_string(of_runs) + " runs ";
}

bool begins(std::size_t silent, std::size_t runs) {
  return silent >= storm_runs_min && silent * 2 > runs;
}

bool is_over(std::size_t stale, std::size_t runs) {
  return stale < storm_runs_min || stale * 4 <= runs;
}

}  // namespace

bool Truth::perhaps_untold(const Run& run, Instant at) const {
  const bool by_now =
      !run.stale && run.warned && !plan_.options.limits.stale_rearm && silence_from(run, at) < at;
  return run.perhaps_untold || by_now;
}

Truth::Counts Truth::counts(Instant at) const {
  Counts counts;
  for (const auto& [name, run] : runs_) {
    if (run.state != State::in_flight) {
      continue;
    }
    ++counts.runs;
    const bool surely = run.stale && !run.perhaps_fresh;
    const bool silent = !run.episode.empty() && at - run.stale_since <= storm_window;
    counts.stale_min += surely ? 1U : 0U;
    counts.stale_max += run.stale || perhaps_untold(run, at) ? 1U : 0U;
    counts.silent_min += surely && silent ? 1U : 0U;
    counts.silent_max += run.stale && silent ? 1U : 0U;
  }
  return counts;
}

void Truth::note_storm(Instant at) {
  fleet_touched_ = true;
  const Counts now = counts(at);
  const bool must = in_storm_ ? is_over(now.stale_max, now.runs) : begins(now.silent_min, now.runs);
  const bool may = in_storm_ ? is_over(now.stale_min, now.runs) : begins(now.silent_max, now.runs);
  fleet_unsure_ = fleet_unsure_ || must != may;
  if (!may) {
    return;
  }
  using What = ExpectedOfFleet::What;
  const auto [min, max] = in_storm_ ? std::pair{now.stale_min, now.stale_max}
                                    : std::pair{now.silent_min, now.silent_max};
  expected_of_fleet_.push_back({in_storm_ ? What::storm_over : What::storm,
                                min == max ? numbers(min, now.runs) : "",
                                in_storm_ ? 0 : first_silent_seq(at), !fleet_unsure_});
  in_storm_ = !in_storm_;
}

std::uint64_t Truth::first_silent_seq(Instant at) const {
  std::uint64_t first = UINT64_MAX;
  for (const auto& [name, run] : runs_) {
    if (run.state == State::in_flight && !run.episode.empty() &&
        at - run.stale_since <= storm_window) {
      const bool known = run.opened_by.first == epoch_ && !run.perhaps_fresh;
      first = std::min(first, known ? run.opened_by.second : 0);
    }
  }
  return first;
}

void Truth::note_rejected() {
  if (!is_full_) {
    is_full_ = true;
    const std::size_t runs = runs_in_flight();
    expected_of_fleet_.push_back(
        {ExpectedOfFleet::What::capacity, numbers(runs, plan_.options.limits.runs_max)});
  }
}

bool Truth::has_room() const { return runs_in_flight() * 100 < plan_.options.limits.runs_max * 95; }

void Truth::note_room() {
  if (is_full_ && has_room()) {
    is_full_ = false;
    const std::size_t runs = runs_in_flight();
    expected_of_fleet_.push_back(
        {ExpectedOfFleet::What::room, numbers(runs, plan_.options.limits.runs_max)});
  }
}

void Truth::says_of_fleet(const Alert& alert, Instant at) {
  using What = ExpectedOfFleet::What;
  const bool ends = alert.kind == "resolved";
  const bool of_storm = ends ? alert.id == storm_ : alert.kind == "storm";
  require(!ends || of_storm || alert.id == capacity_, alert.id + " ends, and was not");
  require(!ends || alert.reason == "subsided", alert.id + " is resolved by " + alert.reason);
  const What what =
      of_storm ? (ends ? What::storm_over : What::storm) : (ends ? What::room : What::capacity);
  while (!expected_of_fleet_.empty() && !expected_of_fleet_.front().surely &&
         expected_of_fleet_.front().what != what) {
    expected_of_fleet_.pop_front();
  }
  if (expected_of_fleet_.empty()) {
    // A restart may leave room, where not all runs were in the file.
    const bool left_room = what == What::room && is_full_ && has_room();
    require(fleet_unsure_ || left_room, alert.id + ": '" + alert.message + "' is not so");
    is_full_ = is_full_ && !left_room;
  } else {
    const ExpectedOfFleet expected = std::move(expected_of_fleet_.front());
    expected_of_fleet_.pop_front();
    require(expected.what == what, alert.id + ": '" + alert.message + "' is not what happened");
    require(alert.message.find(expected.numbers) != std::string::npos || fleet_unsure_,
            alert.id + ": '" + alert.message + "', but it is" + expected.numbers);
    require(what != What::storm || expected.since_seq == 0 || fleet_unsure_ ||
                alert.since_seq == expected.since_seq,
            alert.id + " is said to begin with " + std::to_string(alert.since_seq) + ", not " +
                std::to_string(expected.since_seq));
  }
  std::string& open = of_storm ? storm_ : capacity_;
  require(ends || open.empty(), alert.id + " begins, but " + open + " goes on");
  open = ends ? "" : alert.id;
  fleet_changed_at_ = at;
}

void Truth::fleet_turn_over(Instant at) {
  for (const ExpectedOfFleet& expected : expected_of_fleet_) {
    require(!expected.surely, "nobody is told of" + expected.numbers);
  }
  expected_of_fleet_.clear();
  in_storm_ = !storm_.empty();
  is_full_ = !capacity_.empty();
  const Counts now = counts(at);
  require(!fleet_touched_ || in_storm_ || !begins(now.silent_min, now.runs),
          "no storm, although" + numbers(now.silent_min, now.runs) + "fell silent");
  require(!fleet_touched_ || !in_storm_ || !is_over(now.stale_max, now.runs),
          "a storm, although" + numbers(now.stale_max, now.runs) + "are stale");
  require(!is_full_ || !has_room(), capacity_ + " is not resolved, although there is room");
  fleet_touched_ = fleet_unsure_ = false;
}

void Truth::take_over_fleet(const daemon::Watch& watch, const Restart& restart) {
  const core::Fleet& fleet = watch.fleet();
  const std::string storm = watch.alerts().episode_id(fleet.storm());
  const std::string capacity = watch.alerts().episode_id(fleet.numbers().capacity_episode);
  if (fleet_changed_at_ <= restart.kept_to) {
    require(storm == storm_, "after a restart storm '" + storm + "' goes on, not '" + storm_ + "'");
    require(capacity == capacity_,
            "after a restart capacity '" + capacity + "' is open, not '" + capacity_ + "'");
  }
  storm_ = storm;
  capacity_ = capacity;
  in_storm_ = !storm_.empty();
  is_full_ = !capacity_.empty();
  fleet_changed_at_ = restart.kept_to;
}

}  // namespace heartbeat::simulation
