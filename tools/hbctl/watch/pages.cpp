#include "watch/pages.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "run_rows.hpp"
#include "watch/terminal_text.hpp"

namespace heartbeat::hbctl::watch {

namespace {

// A key and its value, broken where it is too long for one line.
void add_row(std::vector<Line>& lines, const std::string& key, std::size_t key_columns,
             const std::string& value, std::size_t columns, Style style) {
  const std::size_t room = columns > key_columns ? columns - key_columns : 1;
  std::string left = key;
  for (const std::string& part : wrapped(harmless(value), room)) {
    lines.push_back({{padded(left, key_columns), {.bold = true, .dim = style.dim}}, {part, style}});
    left.clear();
  }
}

constexpr std::array<std::pair<const char*, const char*>, 13> help{{
    {"up, down, j, k", "move, also with PgUp, PgDn, Space, Home, End, g, G"},
    {"Enter", "everything about the chosen run, live: its limits and where they come from"},
    {"/",
     "only agents whose id holds what you type; with * or ? it is a pattern for the whole id. "
     "Enter keeps it, Esc takes it back, Ctrl-U empties it"},
    {"s", "only stale runs, only running ones, only idle ones, all"},
    {"Esc", "back; in the table: all runs again"},
    {"q", "back; in the table: quit"},
    {"Ctrl-C", "quit"},
    {"Ctrl-Z", "suspend; fg resumes"},
    {"Ctrl-L", "draw everything anew"},
    {"order", "stale runs, the longest silence first; then those with the nearest deadline"},
    {"top row",
     "while it is chosen it stays the top row, whichever run that is; any other chosen "
     "run is followed"},
    {"stale", "silent for longer than its limit: a promise of its own, or the monitor's threshold"},
    {"NO ANSWER",
     "the monitor is asked again all the time; until it answers, what is shown is as "
     "old as it says"},
}};

}  // namespace

std::vector<Line> run_lines(const View& view, const Known& known, std::size_t columns,
                            bool outdated) {
  std::vector<Line> lines;
  const auto& snapshot = known.snapshot();
  if (!snapshot || snapshot->wish.open != view.wish().open || !snapshot->open) {
    const RunName name = view.wish().open.value_or(RunName{});
    return {{{"asking for " + name.agent_id + (name.run_id.empty() ? "" : ", run " + name.run_id) +
                  " …",
              {}}}};
  }
  const OpenRun& open = *snapshot->open;
  if (open.gone) {
    for (const std::string& part : wrapped(harmless("NOT IN FLIGHT: " + text_of(*open.gone)),
                                           std::max<std::size_t>(columns, 1))) {
      lines.push_back({{part, {.colour = Colour::red, .bold = true}}});
    }
  }
  if (!open.run) {
    return lines;
  }
  if (open.gone) {
    lines.push_back({{"as it was last seen:", {}}});
  }
  const std::vector<Row> rows = rows_of(*open.run);
  std::size_t key_columns = 0;
  for (const Row& row : rows) {
    key_columns = std::max(key_columns, columns_of(harmless(row.cells[0])) + 2);
  }
  const bool past = outdated || open.gone;
  for (const Row& row : rows) {
    add_row(lines, harmless(row.cells[0]), key_columns, row.cells[1], columns,
            {.colour = past ? Colour::none : row.colour, .dim = past});
  }
  return lines;
}

std::vector<Line> help_lines(std::size_t columns) {
  constexpr std::size_t key_columns = 16;
  std::vector<Line> lines;
  for (const auto& [key, text] : help) {
    add_row(lines, key, key_columns, text, columns, {});
  }
  return lines;
}

}  // namespace heartbeat::hbctl::watch
