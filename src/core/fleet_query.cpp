// Finding records: by run, by agent, page by page.
#include <algorithm>
#include <utility>
#include <vector>

#include "core/fleet.hpp"
#include "core/hash.hpp"

namespace heartbeat::core {
namespace {

constexpr std::size_t looked_ahead = 16;  // records asked for while those before them are read

}  // namespace

Slot Fleet::find_record(std::string_view agent_id, std::string_view run_id,
                        std::uint64_t hash) const {
  return by_run_.find(hash, [&](Slot slot) { return runs_[slot].is(agent_id, run_id); });
}

// A record that was given back has no name, so that it is nobody's.
Slot Fleet::find_record(const Event& event, const Places& places) const {
  return places.run != no_slot && runs_[places.run].is(event.agent_id, event.run_id)
             ? places.run
             : find_record(event.agent_id, event.run_id, places.run_hash);
}

Slot Fleet::add_record(const Event& event, std::uint64_t hash) {
  const Slot slot = runs_.take();
  runs_[slot].texts.set(Text::agent_id, event.agent_id);
  runs_[slot].texts.set(Text::run_id, event.run_id);
  by_run_.insert(hash, slot);
  return slot;
}

// REQUIRES: the record is a tombstone.
void Fleet::forget(Slot slot) {
  const Run& run = runs_[slot];
  by_run_.erase(hash_of(run.agent_id(), run.run_id()), slot);
  tombstones_.remove(slot);
  unlink_agent(slot);
  runs_.give_back(slot);
  changed_runs_.add(slot);
}

Slot Fleet::agent_head(std::string_view agent_id) const {
  return by_agent_.find(hash_of(agent_id),
                        [&](Slot slot) { return runs_[slot].agent_id() == agent_id; });
}

// A run in flight becomes the first of its agent's ring, a tombstone the last.
void Fleet::link_agent(Slot slot) {
  Run& run = runs_[slot];
  const Slot head = agent_head(run.agent_id());
  const std::uint64_t hash = hash_of(run.agent_id());
  if (head == no_slot) {
    run.next_of_agent = run.previous_of_agent = slot;
    by_agent_.insert(hash, slot);
    return;
  }
  const Slot tail = runs_[head].previous_of_agent;
  run.next_of_agent = head;
  run.previous_of_agent = tail;
  runs_[tail].next_of_agent = slot;
  runs_[head].previous_of_agent = slot;
  if (run.in_flight()) {
    by_agent_.erase(hash, head);
    by_agent_.insert(hash, slot);
  }
}

void Fleet::unlink_agent(Slot slot) {
  const Run& run = runs_[slot];
  const std::uint64_t hash = hash_of(run.agent_id());
  const Slot next = run.next_of_agent;
  const bool was_head = agent_head(run.agent_id()) == slot;
  if (was_head) {
    by_agent_.erase(hash, slot);
  }
  if (next == slot) {
    return;
  }
  runs_[run.previous_of_agent].next_of_agent = next;
  runs_[next].previous_of_agent = run.previous_of_agent;
  if (was_head) {
    by_agent_.insert(hash, next);
  }
}

std::optional<Slot> Fleet::scan(Slot from, std::size_t look_max, const Visit& visit) const {
  Slot slot = from;
  for (std::size_t looked = 0; slot < runs_.end() && looked < look_max; ++looked, ++slot) {
    if (runs_[slot].in_flight() && !visit(runs_[slot])) {
      ++slot;
      break;
    }
  }
  return slot < runs_.end() ? std::optional{slot} : std::nullopt;
}

// The runs that are not stale, by their true deadline.
std::vector<DeadlineQueue::Entry> Fleet::nearest(std::size_t count, std::size_t look_max) const {
  std::vector<DeadlineQueue::Entry> found;  // a heap, the farthest on top
  // No deadline is nearer than its entry says, so most need no closer look.
  const auto may_be_near = [&](const DeadlineQueue::Entry& entry) {
    return found.size() < count || DeadlineQueue::before(entry, found.front());
  };
  const std::vector<DeadlineQueue::Entry>& entries = deadlines_.entries();
  std::size_t level_end = 0;
  bool any_near = true;  // in this level of the heap; if none is, none is below it
  for (std::size_t at = 0; at < entries.size(); ++at) {
    if (at == level_end) {
      if (!std::exchange(any_near, false)) {
        break;
      }
      level_end = level_end * DeadlineQueue::children + 1;
    }
    const DeadlineQueue::Entry& entry = entries[at];
    const std::size_t behind = at + looked_ahead;
    if (behind < entries.size() && may_be_near(entries[behind])) {
      runs_.prefetch(entries[behind].slot);
    }
    if (!may_be_near(entry)) {
      continue;
    }
    any_near = true;
    if (look_max-- == 0) {
      break;
    }
    const Run& run = runs_[entry.slot];
    if (run.stale) {
      continue;
    }
    const DeadlineQueue::Entry due{next_due(run), entry.order, entry.slot};
    if (found.size() < count) {
      found.push_back(due);
    } else if (DeadlineQueue::before(due, found.front())) {
      std::pop_heap(found.begin(), found.end(), DeadlineQueue::before);
      found.back() = due;
    } else {
      continue;  // as nearly all do, once the nearest are found
    }
    std::push_heap(found.begin(), found.end(), DeadlineQueue::before);
  }
  std::sort_heap(found.begin(), found.end(), DeadlineQueue::before);
  return found;
}

void Fleet::urgent_first(std::size_t count, std::size_t look_max, const Visit& visit) const {
  for (Slot slot = stale_.oldest(); slot != no_slot && count > 0; slot = stale_.newer(slot)) {
    if (!visit(runs_[slot])) {
      return;
    }
    --count;
  }
  if (count == 0) {
    return;
  }
  for (const DeadlineQueue::Entry& entry : nearest(count, look_max)) {
    if (!visit(runs_[entry.slot])) {
      return;
    }
  }
}

void Fleet::runs_of(std::string_view agent_id, const Visit& visit) const {
  const Slot head = agent_head(agent_id);
  if (head == no_slot) {
    return;
  }
  Slot slot = head;
  do {
    if (!runs_[slot].in_flight() || !visit(runs_[slot])) {
      return;
    }
    slot = runs_[slot].next_of_agent;
  } while (slot != head);
}

const Run* Fleet::find(std::string_view agent_id, std::string_view run_id) const {
  const Slot slot = find_record(agent_id, run_id, hash_of(agent_id, run_id));
  return slot != no_slot && runs_[slot].in_flight() ? &runs_[slot] : nullptr;
}

const Run* Fleet::tombstone(std::string_view agent_id, std::optional<std::string_view> run_id,
                            Instant now) const {
  Slot slot = no_slot;
  if (run_id) {
    slot = find_record(agent_id, *run_id, hash_of(agent_id, *run_id));
  } else if (const Slot head = agent_head(agent_id); head != no_slot) {
    slot = runs_[head].previous_of_agent;
  }
  if (slot == no_slot || runs_[slot].state != RunState::ended || expired(runs_[slot], now)) {
    return nullptr;
  }
  return &runs_[slot];
}

std::uint64_t Fleet::lost_events(const Run& run, Instant now) const {
  return sources_.missing_after(run.source, now);
}

std::string_view Fleet::source_name(const Run& run, Instant now) const {
  const Source* source = sources_.find(run.source, now);
  return source == nullptr ? std::string_view{} : source->name;
}

Fleet::SourceCounts Fleet::source(std::string_view name) const {
  const Source* source = sources_.find(name);
  return source == nullptr ? SourceCounts{}
                           : SourceCounts{source->highest, source->rejected, source->rejected_last};
}

}  // namespace heartbeat::core
