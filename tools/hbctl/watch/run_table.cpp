#include "watch/run_table.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "table.hpp"
#include "telling/duration.hpp"
#include "telling/run_state.hpp"
#include "watch/terminal_text.hpp"

namespace heartbeat::hbctl::watch {

namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

struct Column {
  const char* name;
  std::string (*cell)(const RunRow& run);
  std::size_t min;    // narrower it tells nothing
  std::size_t max;    // wider it takes too much from the others
  unsigned rank;      // which goes first where there is no room: the highest
  bool can_be_empty;  // it is left out where no run has a value
};

// In the order in which they stand; the names are those of `hbctl agents`.
const std::array columns_in_order{
    Column{"AGENT", [](const RunRow& run) { return run.agent_id; }, 20, 40, 0, false},
    Column{"RUN", [](const RunRow& run) { return run.run_id; }, 4, 24, 5, true},
    Column{"TYPE", [](const RunRow& run) { return run.agent_type; }, 4, 16, 9, true},
    Column{"STATE", state_of, 7, 11, 1, false},
    Column{"PHASE", [](const RunRow& run) { return run.phase; }, 6, 24, 7, true},
    Column{"TASK", [](const RunRow& run) { return run.task_id; }, 6, 24, 6, true},
    Column{"IDLE FOR", [](const RunRow& run) { return format_duration(run.idle_for_ms); }, 8, 8, 2,
           false},
    Column{"RUNNING FOR", [](const RunRow& run) { return format_duration(run.running_for_ms); }, 11,
           11, 8, false},
    Column{"STALE IN",
           [](const RunRow& run) {
             return run.stale ? std::string("passed") : format_duration(run.stale_in_ms);
           },
           8, 8, 3, false},
    Column{"TIMEOUT IN", [](const RunRow& run) { return format_duration(run.timeout_in_ms); }, 10,
           10, 4, false},
    Column{"DETAIL", [](const RunRow& run) { return run.detail; }, 10, unbounded, 10, true},
};

struct Placed {
  const Column* column;
  std::size_t wanted;
  std::size_t width;
};

// The columns that have something to show, with the width that this takes.
std::vector<Placed> candidates(const std::vector<RunRow>& runs) {
  std::vector<Placed> placed;
  for (const Column& column : columns_in_order) {
    std::size_t widest = 0;
    for (const RunRow& run : runs) {
      widest = std::max(widest, columns_of(harmless(column.cell(run))));
    }
    if (widest > 0 || !column.can_be_empty) {
      const std::size_t wanted = std::min(std::max(widest, columns_of(column.name)), column.max);
      placed.push_back({&column, wanted, std::min(column.min, wanted)});
    }
  }
  return placed;
}

std::size_t total(const std::vector<Placed>& placed) {
  std::size_t columns = placed.empty() ? 0 : gap * (placed.size() - 1);
  for (const Placed& each : placed) {
    columns += each.width;
  }
  return columns;
}

bool less_important(const Placed& a, const Placed& b) { return a.column->rank < b.column->rank; }

std::vector<Placed> layout(const std::vector<RunRow>& runs, std::size_t columns) {
  std::vector<Placed> placed = candidates(runs);
  while (placed.size() > 1 && total(placed) > columns) {
    placed.erase(std::max_element(placed.begin(), placed.end(), less_important));
  }
  // What is left over goes to those that want more, the important ones first.
  std::vector<Placed*> by_rank;
  for (Placed& each : placed) {
    by_rank.push_back(&each);
  }
  std::sort(by_rank.begin(), by_rank.end(),
            [](const Placed* a, const Placed* b) { return less_important(*a, *b); });
  std::size_t left = columns - std::min(columns, total(placed));
  for (Placed* each : by_rank) {
    const std::size_t more = std::min(left, each->wanted - each->width);
    each->width += more;
    left -= more;
  }
  return placed;
}

template <class Cell>
Line line_of(const std::vector<Placed>& placed, Style style, const Cell& cell) {
  std::string text;
  for (const Placed& each : placed) {
    text += (text.empty() ? "" : std::string(gap, ' ')) +
            padded(harmless(cell(*each.column)), each.width);
  }
  return {{text, style}};
}

Style style_of(const RunRow& run, bool selected, bool outdated) {
  return {.colour = run.stale && !outdated ? Colour::yellow : Colour::none,
          .bold = run.stale && !outdated,
          .dim = outdated,
          .reverse = selected};
}

}  // namespace

std::vector<Line> table_lines(const std::vector<RunRow>& runs, std::size_t first, std::size_t count,
                              std::size_t selected, std::size_t columns, bool outdated) {
  const std::vector<Placed> placed = layout(runs, columns);
  std::vector<Line> lines;
  lines.push_back(line_of(placed, {.bold = true, .dim = outdated},
                          [](const Column& column) { return std::string(column.name); }));
  for (std::size_t i = first; i < runs.size() && i - first < count; ++i) {
    lines.push_back(line_of(placed, style_of(runs[i], i == selected, outdated),
                            [&](const Column& column) { return column.cell(runs[i]); }));
  }
  return lines;
}

}  // namespace heartbeat::hbctl::watch
