// Everything the fleet counts, each under the name that the status socket gives it.
// events_received_total = folded + rejected + duplicate + zombie + ignored.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "heartbeat/event.hpp"

namespace heartbeat::core {

struct Counters {
  std::uint64_t events_received_total = 0;
  std::uint64_t events_folded_total = 0;
  std::uint64_t events_duplicate_total = 0;
  std::uint64_t events_zombie_total = 0;
  std::uint64_t events_ignored_total = 0;
  std::uint64_t events_late_total = 0;  // whatever then became of them
  std::uint64_t events_lost_total = 0;  // gaps in sequences; never falls
  std::uint64_t sources_restarted_total = 0;
  std::uint64_t sources_evicted_total = 0;     // beyond sources_max
  std::uint64_t tombstones_evicted_total = 0;  // beyond runs_max, before their time
  std::uint64_t runs_started_total = 0;
  std::uint64_t runs_adopted_total = 0;
  std::uint64_t runs_timed_out_total = 0;
  std::uint64_t runs_unregistered_total = 0;
  std::array<std::uint64_t, Names<Rejection>::table.size()>
      events_rejected_total{};  // by Rejection
  bool operator==(const Counters&) const = default;
};

inline constexpr std::array<std::pair<std::string_view, std::uint64_t Counters::*>, 14>
    counter_names{{
        {"events_received_total", &Counters::events_received_total},
        {"events_folded_total", &Counters::events_folded_total},
        {"events_duplicate_total", &Counters::events_duplicate_total},
        {"events_zombie_total", &Counters::events_zombie_total},
        {"events_ignored_total", &Counters::events_ignored_total},
        {"events_late_total", &Counters::events_late_total},
        {"events_lost_total", &Counters::events_lost_total},
        {"sources_restarted_total", &Counters::sources_restarted_total},
        {"sources_evicted_total", &Counters::sources_evicted_total},
        {"tombstones_evicted_total", &Counters::tombstones_evicted_total},
        {"runs_started_total", &Counters::runs_started_total},
        {"runs_adopted_total", &Counters::runs_adopted_total},
        {"runs_timed_out_total", &Counters::runs_timed_out_total},
        {"runs_unregistered_total", &Counters::runs_unregistered_total},
    }};

}  // namespace heartbeat::core
