// What the terminal should show: a pure function of what is known, what is looked at, the size and
// the time, so that each of its lines can be tested without a terminal.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "output.hpp"
#include "watch/known.hpp"
#include "watch/view.hpp"

namespace heartbeat::hbctl::watch {

struct Style {
  Colour colour = Colour::none;
  bool bold = false;
  bool dim = false;
  bool reverse = false;
  bool operator==(const Style&) const = default;
};

struct Piece {
  std::string text;
  Style style;
};

using Line = std::vector<Piece>;

struct Size {
  std::size_t columns = 0;
  std::size_t rows = 0;
};

struct Position {
  std::size_t row = 0;
  std::size_t column = 0;
};

struct Frame {
  // At most Size::rows lines, each of exactly Size::columns columns of harmless text.
  std::vector<Line> lines;
  std::optional<Position> cursor;  // where something is typed
};

// Tells the view how much there is to see of it. To be called before draw().
void settle(View& view, const Known& known, Size size, Instant now);

Frame draw(const View& view, const Known& known, Size size, Instant now);

}  // namespace heartbeat::hbctl::watch
