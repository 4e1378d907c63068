#include "core/deadlines.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace heartbeat::core {

bool DeadlineQueue::before(const Entry& a, const Entry& b) {
  return a.due != b.due ? a.due < b.due : a.order < b.order;
}

void DeadlineQueue::place(std::uint32_t index, const Entry& entry) {
  heap_[index] = entry;
  index_of_[entry.slot] = index;
}

void DeadlineQueue::sift_up(std::uint32_t index, const Entry& entry) {
  while (index > 0) {
    const std::uint32_t parent = (index - 1) / children;
    if (!before(entry, heap_[parent])) {
      break;
    }
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, entry);
}

void DeadlineQueue::sift_down(std::uint32_t index, const Entry& entry) {
  const auto size = static_cast<std::uint32_t>(heap_.size());
  while (true) {
    const std::uint32_t first = index * children + 1;
    if (first >= size) {
      break;
    }
    std::uint32_t least = first;
    for (std::uint32_t child = first + 1; child < std::min(first + children, size); ++child) {
      if (before(heap_[child], heap_[least])) {
        least = child;
      }
    }
    if (!before(heap_[least], entry)) {
      break;
    }
    place(index, heap_[least]);
    index = least;
  }
  place(index, entry);
}

void DeadlineQueue::set(Slot slot, Instant due, std::uint64_t order) {
  if (slot >= index_of_.size()) {
    index_of_.resize(std::size_t{slot} + 1, absent);
  }
  const Entry entry{due, order, slot};
  std::uint32_t index = index_of_[slot];
  if (index == absent) {
    index = static_cast<std::uint32_t>(heap_.size());
    heap_.push_back(entry);
    sift_up(index, entry);
  } else if (before(entry, heap_[index])) {
    sift_up(index, entry);
  } else {
    sift_down(index, entry);
  }
}

void DeadlineQueue::reserve(std::size_t entries) {
  heap_.reserve(entries);
  index_of_.reserve(entries);
}

void DeadlineQueue::remove(Slot slot) {
  check(slot < index_of_.size() && index_of_[slot] != absent);
  const std::uint32_t index = index_of_[slot];
  index_of_[slot] = absent;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (last.slot == slot) {
    return;
  }
  if (index > 0 && before(last, heap_[(index - 1) / children])) {
    sift_up(index, last);
  } else {
    sift_down(index, last);
  }
}

}  // namespace heartbeat::core
