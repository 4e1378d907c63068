// Many events at once: each is folded while those behind it wait for their memory.
#include <algorithm>
#include <array>

#include "core/fleet.hpp"
#include "core/hash.hpp"

namespace heartbeat::core {
namespace {

constexpr std::size_t ahead_max = 8;  // events between one step of the fold and the next

}  // namespace

// With many runs nearly all the time goes into waiting for memory. So what an event needs is asked
// for while those before it are folded, in three steps, each of which reads what the one before it
// asked for.
void Fleet::fold(std::span<const Event> events, Instant now, Transitions& out) {
  pass_to(now);
  std::array<Places, 4 * ahead_max> on_their_way;
  const auto places = [&](std::size_t at) -> Places& {
    return on_their_way[at % on_their_way.size()];
  };
  const std::size_t size = events.size();
  const std::size_t ahead = std::min(size, ahead_max);
  for (std::size_t step = 0; step < size + 3 * ahead; ++step) {
    if (step < size) {
      places(step) = prefetch_entries(events[step]);
    }
    if (step >= ahead && step - ahead < size) {
      prefetch_records(places(step - ahead));
    }
    if (step >= 2 * ahead && step - 2 * ahead < size) {
      prefetch_texts(places(step - 2 * ahead));
    }
    if (step >= 3 * ahead) {
      fold_one(events[step - 3 * ahead], places(step - 3 * ahead), now, out);
      note_storm(now, out);
    }
  }
}

Fleet::Places Fleet::prefetch_entries(const Event& event) const {
  const Places places{hash_of(event.agent_id, event.run_id), hash_of(event.source), no_slot,
                      no_slot};
  by_run_.prefetch(places.run_hash);
  sources_.prefetch(places.source_hash);
  return places;
}

void Fleet::prefetch_records(Places& places) const {
  places.run = by_run_.likely(places.run_hash);
  if (places.run != no_slot) {
    runs_.prefetch(places.run);
  }
  places.source = sources_.prefetch_likely(places.source_hash);
}

void Fleet::prefetch_texts(const Places& places) const {
  if (places.run != no_slot) {
    runs_[places.run].texts.prefetch();
  }
}

}  // namespace heartbeat::core
