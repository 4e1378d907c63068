// A fleet that goes on after a restart.
#include <algorithm>
#include <utility>
#include <vector>

#include "core/fleet.hpp"
#include "core/hash.hpp"

namespace heartbeat::core {

void Fleet::track_changes() {
  changed_runs_.start();
  changed_blocks_.start();
  sources_.changed().start();
}

Numbers Fleet::numbers() const {
  return {episodes_, registrations_,          transitions_, capacity_episode_,
          storm_,    sources_.incarnations(), paused_};
}

Duration Fleet::blind(const Run& run, Instant now) const {
  Duration blind = paused_ - run.paused_before_activity;
  for (const Downtime& down : downtimes_) {
    blind +=
        std::max(std::min(now, down.until) - std::max(run.last_activity, down.from), Duration{});
  }
  return blind;
}

void Fleet::restore(Slot slot, Run&& run) {
  const std::uint64_t hash = hash_of(run.agent_id(), run.run_id());
  const Slot other = find_record(run.agent_id(), run.run_id(), hash);
  if (other != no_slot) {
    if (runs_[other].order > run.order) {
      runs_.claim(slot);  // its place may be asked about all the same
      return;
    }
    by_run_.erase(hash, other);
    runs_[other] = Run{};
  }
  runs_.claim(slot) = std::move(run);
  by_run_.insert(hash, slot);
}

void Fleet::resume(const Numbers& numbers, Instant now, std::vector<Downtime> downtimes,
                   Instant grace_until) {
  pass_to(now);
  episodes_ = numbers.episodes;
  registrations_ = numbers.registrations;
  transitions_ = numbers.transitions;
  capacity_episode_ = numbers.capacity_episode;
  storm_ = numbers.storm;
  paused_ = numbers.paused;
  sources_.resume(numbers.source_incarnations);
  downtimes_ = std::move(downtimes);
  grace_until_ = grace_until;
  paused_when_resumed_ = paused_when_set_ = paused_;

  std::vector<Slot> stale;
  std::vector<Slot> ended;
  std::vector<Slot> in_flight;
  for (Slot slot = 0; slot < runs_.end(); ++slot) {
    const Run& run = runs_[slot];
    if (run.in_flight()) {
      in_flight.push_back(slot);
      idle_ += run.state == RunState::idle ? 1U : 0U;
      if (run.stale) {
        stale.push_back(slot);
      }
    } else if (run.state == RunState::ended) {
      ended.push_back(slot);
    }
  }
  // In the order in which they came into being, where the file's times leave it open.
  std::ranges::sort(ended, {}, [&](Slot slot) {
    return std::pair{runs_[slot].rare().last_zombie, runs_[slot].order};
  });
  std::ranges::sort(stale, {}, [&](Slot slot) {
    return std::pair{runs_[slot].rare().stale_since, runs_[slot].rare().opened};
  });
  std::ranges::sort(in_flight, {}, [&](Slot slot) { return runs_[slot].order; });
  for (const Slot slot : ended) {
    link_agent(slot);
    tombstones_.append(slot);
  }
  for (const Slot slot : in_flight) {
    Run& run = runs_[slot];
    link_agent(slot);
    queue(slot, next_due(run));
    run.type = types_.join(run.texts.get(Text::agent_type), run.state == RunState::idle);
  }
  for (const Slot slot : stale) {
    join_stale(slot, runs_[slot].rare().stale_since);
  }
  runs_.settle([&](Slot slot) { return runs_[slot].state == RunState::unknown; });
}

}  // namespace heartbeat::core
