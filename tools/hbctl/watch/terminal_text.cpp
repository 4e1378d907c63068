#include "watch/terminal_text.hpp"

#include <wchar.h>

#include <algorithm>
#include <clocale>

#include "client/printable.hpp"

namespace heartbeat::hbctl::watch {

namespace {

constexpr std::string_view ellipsis = "…";

// The code point that valid UTF-8 begins with.
char32_t decoded(std::string_view code_point) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(code_point[i]); };
  switch (code_point.size()) {
    case 1:
      return byte(0);
    case 2:
      return (byte(0) & 0x1fU) << 6 | (byte(1) & 0x3fU);
    case 3:
      return (byte(0) & 0x0fU) << 12 | (byte(1) & 0x3fU) << 6 | (byte(2) & 0x3fU);
    default:
      return (byte(0) & 0x07U) << 18 | (byte(1) & 0x3fU) << 12 | (byte(2) & 0x3fU) << 6 |
             (byte(3) & 0x3fU);
  }
}

// Marks that make the rest of a line run from right to left, or pretend to.
bool turns_direction(char32_t c) {
  return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

std::string_view first_of(std::string_view text) {
  return text.substr(0, client::code_point_size(text));
}

// -1 = a terminal has no place for it.
int width_of(std::string_view code_point) {
  const char32_t c = decoded(code_point);
  if (c < 0x80) {
    return 1;
  }
  return turns_direction(c) ? -1 : wcwidth(static_cast<wchar_t>(c));
}

// How much of `text` fits in `columns`, in bytes.
std::size_t fitting_bytes(std::string_view text, std::size_t columns) {
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const std::string_view next = first_of(text.substr(bytes));
    const auto width = static_cast<std::size_t>(width_of(next));
    if (width > columns) {
      break;
    }
    columns -= width;
    bytes += next.size();
  }
  return bytes;
}

}  // namespace

void use_unicode() { std::setlocale(LC_CTYPE, "C.UTF-8"); }

std::string harmless(std::string_view text) {
  const std::string printable = client::printable(text);
  if (std::all_of(printable.begin(), printable.end(), [](char c) { return c >= ' '; })) {
    return printable;  // ASCII
  }
  std::string out;
  std::string_view left = printable;
  while (!left.empty()) {
    const std::string_view next = first_of(left);
    out += width_of(next) < 0 ? "?" : next;
    left.remove_prefix(next.size());
  }
  return out;
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const std::string_view next = first_of(text);
    columns += static_cast<std::size_t>(width_of(next));
    text.remove_prefix(next.size());
  }
  return columns;
}

std::string cut(std::string_view text, std::size_t columns) {
  if (fitting_bytes(text, columns) == text.size()) {
    return std::string(text);
  }
  if (columns == 0) {
    return {};
  }
  return std::string(text.substr(0, fitting_bytes(text, columns - 1))) + std::string(ellipsis);
}

std::string padded(std::string_view text, std::size_t columns) {
  std::string out = cut(text, columns);
  out.append(columns - columns_of(out), ' ');
  return out;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::size_t bytes = fitting_bytes(text, columns);
    if (bytes == 0) {
      bytes = first_of(text).size();  // wider than the line
    }
    if (bytes < text.size()) {
      const std::size_t space = text.rfind(' ', bytes);
      bytes = space == std::string_view::npos || space == 0 ? bytes : space;
    }
    lines.emplace_back(text.substr(0, bytes));
    text.remove_prefix(bytes);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  return lines;
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t place = digits.size(); place > 3;) {
    place -= 3;
    digits.insert(place, 1, ',');
  }
  return digits;
}

}  // namespace heartbeat::hbctl::watch
