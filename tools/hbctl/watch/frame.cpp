#include "watch/frame.hpp"

#include <algorithm>
#include <utility>

#include "watch/header.hpp"
#include "watch/pages.hpp"
#include "watch/run_table.hpp"
#include "watch/terminal_text.hpp"

namespace heartbeat::hbctl::watch {

namespace {

constexpr std::size_t footer_rows = 1;
constexpr std::size_t table_header_rows = 1;

const std::vector<RunRow>& runs_of(const Known& known) {
  static const std::vector<RunRow> none;
  return known.snapshot() ? known.snapshot()->runs : none;
}

// The one way into a frame: nothing that a terminal would obey, and exactly so wide.
Line fitted(const Line& line, std::size_t columns) {
  Line out;
  std::size_t left = columns;
  for (const Piece& piece : line) {
    // A piece that is cut ends the line.
    std::string text = cut(harmless(piece.text), left);
    const bool whole = columns_of(harmless(piece.text)) <= left;
    left -= columns_of(text);
    out.push_back({std::move(text), piece.style});
    if (!whole) {
      break;
    }
  }
  const Style rest = !line.empty() && line.back().style.reverse ? line.back().style : Style{};
  out.push_back({std::string(left, ' '), rest});
  return out;
}

// Lines of the terminal for the page itself.
std::size_t room_for(const View& view, std::size_t header_rows, Size size) {
  const std::size_t taken =
      header_rows + footer_rows + (view.page() == View::Page::table ? table_header_rows : 0);
  return size.rows > taken ? size.rows - taken : 0;
}

std::vector<Line> page_lines(const View& view, const Known& known, std::size_t columns,
                             bool outdated) {
  return view.page() == View::Page::help ? help_lines(columns)
                                         : run_lines(view, known, columns, outdated);
}

Line footer(const View& view) {
  switch (view.page()) {
    case View::Page::table:
      return {{"q quit  ? help  / filter  s state  Enter open  Esc all runs", {.reverse = true}}};
    case View::Page::run:
      return {{"Esc back  ? help  up, down scroll", {.reverse = true}}};
    case View::Page::help:
      return {{"Esc back  up, down scroll", {.reverse = true}}};
  }
  return {};
}

constexpr const char* filter_prompt = "filter: ";

}  // namespace

void settle(View& view, const Known& known, Size size, Instant now) {
  const auto& runs = runs_of(known);
  const std::size_t lines = view.page() == View::Page::table
                                ? runs.size()
                                : page_lines(view, known, size.columns, known.outdated(now)).size();
  view.settle(runs, lines,
              room_for(view, header_lines(view, known, size.columns, now).size(), size));
}

Frame draw(const View& view, const Known& known, Size size, Instant now) {
  const bool outdated = known.outdated(now);
  std::vector<Line> lines = header_lines(view, known, size.columns, now);
  const std::size_t room = room_for(view, lines.size(), size);
  if (view.page() == View::Page::table) {
    auto table =
        table_lines(runs_of(known), view.top(), room, view.selected(), size.columns, outdated);
    std::move(table.begin(), table.end(), std::back_inserter(lines));
  } else {
    auto page = page_lines(view, known, size.columns, outdated);
    const std::size_t top = std::min(view.top(), page.size());
    const std::size_t end = std::min(page.size(), top + room);
    std::move(page.begin() + static_cast<std::ptrdiff_t>(top),
              page.begin() + static_cast<std::ptrdiff_t>(end), std::back_inserter(lines));
  }
  // A terminal that is too low shows its top, and always the footer.
  lines.resize(size.rows > 0 ? size.rows - footer_rows : 0);
  Frame frame;
  if (size.rows > 0) {
    lines.push_back(view.typing() ? Line{{filter_prompt + view.filter(), {.bold = true}}}
                                  : footer(view));
  }
  for (const Line& line : lines) {
    frame.lines.push_back(fitted(line, size.columns));
  }
  if (view.typing() && size.rows > 0) {
    const std::size_t column = columns_of(filter_prompt) + columns_of(harmless(view.filter()));
    frame.cursor = {size.rows - 1, std::min(column, size.columns > 0 ? size.columns - 1 : 0)};
  }
  return frame;
}

}  // namespace heartbeat::hbctl::watch
