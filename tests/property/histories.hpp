// Random histories for fleets: few agents, runs and sources, so that collisions abound.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/limits.hpp"
#include "heartbeat/event.hpp"

namespace heartbeat {

class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed), runs_(one_in(3) ? 9 : 2) {}

  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  Duration duration(std::uint64_t max) {
    return Duration{static_cast<std::int64_t>(below(max + 1))};
  }

  core::Limits limits() {
    core::Limits limits;
    limits.check_interval_ms = Duration{1} + duration(400);
    limits.stale_threshold_ms = Duration{1} + duration(1'000);
    limits.timeout_threshold_ms = Duration{1} + duration(10'000);
    limits.stale_warning_only_once = one_in(2);
    limits.stale_rearm = !one_in(3);
    limits.adopt_unknown = !one_in(4);
    limits.runs_max = one_in(2) ? 1 + below(4) : 1 + below(30);
    limits.tombstone_ms = Duration{1} + duration(one_in(2) ? 500 : 20'000);
    return limits;
  }

  // Mostly small: the interesting instants are on a threshold and one beyond it.
  Duration step(const core::Limits& limits) {
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
        return Duration{0};
      case 3:
        return limits.stale_threshold_ms;
      case 4:
        return limits.check_interval_ms;
      case 5:
        return Duration{1};
      case 6:
        return duration(12'000);
      case 7:
        return one_in(30) ? core::source_kept_ms + duration(2) : limits.tombstone_ms;
      default:
        return duration(150);
    }
  }

  // The views are into names that live as long as the program.
  Event event() {
    static constexpr std::array<std::string_view, 4> agents{"a", "b", "pm", "dev-1"};
    static constexpr std::array<std::string_view, 9> runs{"",  "2", "3", "4", "5",
                                                          "6", "7", "8", "9"};
    static constexpr std::array<std::string_view, 3> texts{"", "one", "another"};
    static constexpr std::array<EventKind, 6> kinds{EventKind::register_, EventKind::activity,
                                                    EventKind::activity,  EventKind::activity,
                                                    EventKind::idle,      EventKind::unregister};
    Event event;
    event.kind = kinds[below(kinds.size())];
    event.agent_id = agents[below(agents.size())];
    event.run_id = runs[below(runs_)];
    if (one_in(4)) event.task_id = texts[below(texts.size())];
    if (one_in(4)) event.agent_type = texts[below(texts.size())];
    if (one_in(8)) event.detail = texts[below(texts.size())];
    if (one_in(8)) event.phase = texts[below(texts.size())];
    if (one_in(8)) event.outcome = texts[below(texts.size())];
    if (one_in(6)) event.progress = below(100);
    if (one_in(4)) event.sent_at = WallTime{duration(1'000)};
    if (one_in(3)) event.running_for_ms = duration(one_in(2) ? 300 : 12'000);
    if (one_in(4)) event.idle_for_ms = duration(one_in(2) ? 200 : 2'000);
    if (one_in(5)) event.stale_after_ms = Duration{1} + duration(one_in(2) ? 300 : 3'000);
    if (one_in(4)) event.timeout_after_ms = Duration{1} + duration(5'000);
    if (!one_in(4)) sequence(event);
    if (one_in(15)) event.rejected = static_cast<Rejection>(below(11));
    return event;
  }

 private:
  void sequence(Event& event) {
    static constexpr std::array<std::string_view, 3> names{"s1", "s2", "s3"};
    const std::size_t which = below(names.size());
    std::uint64_t& next = next_seq_[which];
    event.source = names[which];
    switch (below(16)) {
      case 0:  // again, late, or beyond the window
        event.seq = next > 70 ? next - 1 - below(70) : 1 + below(next);
        return;
      case 1:  // a gap
        next += 1 + below(5);
        break;
      case 2:
        if (one_in(8)) {
          next += 999'998 + below(5);
        } else if (one_in(4)) {
          next += below(200);
        }
        break;
      case 3:  // began again
        next = one_in(3) ? 1 + below(3) : next;
        break;
      default:
        break;
    }
    event.seq = next++;
  }

  std::mt19937_64 random_;
  std::size_t runs_;  // of each agent; with many there are storms
  std::array<std::uint64_t, 3> next_seq_{1, 1, 500};
};

}  // namespace heartbeat
