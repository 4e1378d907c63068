#include "listing.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace heartbeat::hbgate {

namespace {

using Less = bool (*)(const RunRow&, const RunRow&);

template <auto member>
bool less(const RunRow& a, const RunRow& b) {
  return a.*member < b.*member;
}

Duration deadline_in(const RunRow& run) { return std::min(run.stale_in_ms, run.timeout_in_ms); }

// Stale is the third state that people see.
std::pair<bool, std::string_view> state_of(const RunRow& run) { return {!run.stale, run.status}; }

const std::array<std::pair<std::string_view, Less>, 9> columns{{
    {"agent_id", less<&RunRow::agent_id>},
    {"agent_type", less<&RunRow::agent_type>},
    {"status", [](const RunRow& a, const RunRow& b) { return state_of(a) < state_of(b); }},
    {"phase", less<&RunRow::phase>},
    {"task_id", less<&RunRow::task_id>},
    {"idle_for_ms", less<&RunRow::idle_for_ms>},
    {"running_for_ms", less<&RunRow::running_for_ms>},
    {"deadline_in_ms",
     [](const RunRow& a, const RunRow& b) { return deadline_in(a) < deadline_in(b); }},
    {"lost_events", less<&RunRow::lost_events>},
}};

constexpr std::string_view attention = "attention";  // the order that the listing has

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

class Search {
 public:
  explicit Search(std::string text) : text_(std::move(text)) {
    std::transform(text_.begin(), text_.end(), text_.begin(), lower);
  }
  bool finds(const RunRow& run) const {
    return text_.empty() || in(run.agent_id) || in(run.run_id) || in(run.task_id) ||
           in(run.agent_type) || in(run.phase) || in(run.detail);
  }

 private:
  bool in(std::string_view text) const {
    return std::search(text.begin(), text.end(), text_.begin(), text_.end(),
                       [](char a, char b) { return lower(a) == b; }) != text.end();
  }
  std::string text_;
};

bool has_status(const RunRow& run, const std::optional<std::string>& status) {
  return !status || (*status == "stale" ? run.stale : run.status == *status);
}

}  // namespace

const std::vector<std::string>& sort_columns() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all{std::string(attention), "-" + std::string(attention)};
    for (const auto& [name, less] : columns) {
      all.emplace_back(name);
      all.push_back("-" + all.back());
    }
    return all;
  }();
  return names;
}

Ranked rank(const Listing& listing, const Ranking& by) {
  Ranked ranked;
  const Search search(by.search);
  for (const RunRow& run : listing.rows) {
    if (has_status(run, by.status) && (!by.agent_type || run.agent_type == *by.agent_type) &&
        search.finds(run)) {
      ranked.rows.push_back(&run);
    }
  }
  ranked.total = ranked.rows.size();
  std::string_view column = by.sort;
  const bool reversed = column.starts_with('-');
  column.remove_prefix(reversed ? 1 : 0);
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [column](const auto& entry) { return entry.first == column; });
  const std::size_t begin = std::min(by.offset, ranked.total);
  const std::size_t end = begin + std::min(by.limit, ranked.total - begin);
  if (found != columns.end()) {
    // The rows' places break ties: they lie in one array, the most urgent first.
    const auto before = [less = found->second, reversed](const RunRow* a, const RunRow* b) {
      const RunRow& first = reversed ? *b : *a;
      const RunRow& second = reversed ? *a : *b;
      return less(first, second) || (!less(second, first) && std::less<>{}(a, b));
    };
    std::partial_sort(ranked.rows.begin(), ranked.rows.begin() + static_cast<std::ptrdiff_t>(end),
                      ranked.rows.end(), before);
  } else if (reversed) {
    std::reverse(ranked.rows.begin(), ranked.rows.end());
  }
  ranked.rows.erase(ranked.rows.begin() + static_cast<std::ptrdiff_t>(end), ranked.rows.end());
  ranked.rows.erase(ranked.rows.begin(), ranked.rows.begin() + static_cast<std::ptrdiff_t>(begin));
  return ranked;
}

}  // namespace heartbeat::hbgate
