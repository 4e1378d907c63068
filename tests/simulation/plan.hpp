// What a seed decides about its world before anything happens in it.
#pragma once

#include <cstdint>

#include "chance.hpp"
#include "daemon/options.hpp"
#include "daemon/shares.hpp"

namespace heartbeat::simulation {

struct Plan {
  daemon::Options options;
  daemon::Shares shares;
  Duration length{};  // of the world; then faults end, and everything has to settle
  int agents = 0;
  bool keeps_state = true;
  bool ages_told = true;  // events carry running_for_ms

  // The network, each in percent of messages or of seconds.
  int loses = 0;
  int duplicates = 0;
  Duration delay_max{};
  bool network_is_perfect() const {
    return loses == 0 && partitions == 0 && delay_max == Duration{};
  }
  int partitions = 0;
  // Between the monitor's host and the monitor: its input thread falls behind by so much.
  Duration lag_max{};

  // So few runs fit in that some are rejected, and tombstones evicted.
  bool is_crowded() const { return options.limits.runs_max < 100; }

  // Of the monitor, per minute.
  int pauses = 0;
  int kills = 0;
  int ends = 0;
  int power_cuts = 0;
  int clock_jumps = 0;
  int reloads = 0;
  int slow_disks = 0;
  int full_disks = 0;
};

// What a reload of the configuration may change.
inline void draw_limits(Chance& chance, core::Limits& limits) {
  limits.stale_threshold_ms = chance.time(Duration{800}, Duration{4'000});
  limits.timeout_threshold_ms = chance.time(Duration{6'000}, Duration{30'000});
  limits.check_interval_ms = chance.time(Duration{300}, Duration{2'000});
  limits.stale_warning_only_once = !chance.one_in(4);
}

inline Plan make_plan(Chance& chance) {
  Plan plan;
  core::Limits& limits = plan.options.limits;
  draw_limits(chance, limits);
  limits.stale_rearm = !chance.one_in(5);
  limits.adopt_unknown = !chance.one_in(6);
  limits.tombstone_ms = chance.time(Duration{2'000}, Duration{60'000});
  plan.agents = static_cast<int>(chance.one_in(12)  ? chance.number(40, 120)
                                 : chance.one_in(3) ? chance.number(10, 30)
                                                    : chance.number(1, 8));
  limits.runs_max = chance.one_in(4) ? static_cast<std::size_t>(chance.number(2, 8)) : 10'000;
  plan.options.alerts_kept =
      chance.one_in(3) ? static_cast<std::size_t>(chance.number(5, 50)) : 100'000;
  plan.options.ingest_lag_max_ms = chance.time(Duration{500}, Duration{5'000});
  plan.options.store_wait_max_ms = chance.time(Duration{20}, Duration{200});
  plan.options.restart_grace_ms =
      chance.one_in(4) ? Duration{0} : chance.time(Duration{500}, Duration{3'000});
  if (chance.one_in(3)) {
    plan.shares.runs_per_batch = static_cast<std::size_t>(chance.number(1, 3));
    plan.shares.sources_per_batch = static_cast<std::size_t>(chance.number(1, 3));
  }
  plan.length = chance.time(Duration{10'000}, Duration{60'000});
  plan.keeps_state = !chance.one_in(6);
  plan.ages_told = !chance.one_in(3);

  const auto perhaps = [&](int most) {
    return chance.one_in(2) ? 0 : static_cast<int>(chance.number(1, most));
  };
  plan.loses = perhaps(20);
  plan.duplicates = perhaps(20);
  plan.delay_max = Duration{chance.one_in(2) ? chance.number(0, 1) : chance.number(0, 1'500)};
  plan.partitions = perhaps(10);
  plan.lag_max = Duration{chance.one_in(2) ? chance.number(0, 2) : chance.number(0, 1'500)};
  plan.pauses = perhaps(20);
  plan.kills = perhaps(8);
  plan.ends = perhaps(3);
  plan.power_cuts = perhaps(3);
  plan.clock_jumps = perhaps(4);
  plan.slow_disks = perhaps(6);
  plan.full_disks = perhaps(4);
  plan.reloads = perhaps(6);
  return plan;
}

}  // namespace heartbeat::simulation
