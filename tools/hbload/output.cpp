#include "output.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace heartbeat::hbload {

void print(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
}

void complain(std::string_view line) {
  std::fprintf(stderr, "hbload: %.*s\n", static_cast<int>(line.size()), line.data());
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t place = text.size(); place > 3; place -= 3) {
    text.insert(place - 3, ",");
  }
  return text;
}

std::string decimal(double number, int places) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", places, number);
  return text;
}

ProgressBar::ProgressBar() {
  const char* terminal = std::getenv("TERM");
  shown_ =
      isatty(STDERR_FILENO) == 1 && terminal != nullptr && std::string_view{terminal} != "dumb";
}

ProgressBar::~ProgressBar() {
  if (shown_) {
    std::fputs("\r\x1b[K", stderr);
  }
}

void ProgressBar::show(std::string_view what, double share) {
  if (!shown_) {
    return;
  }
  constexpr int width = 30;
  const double whole = std::clamp(share, 0.0, 1.0);
  const auto done = static_cast<std::size_t>(whole * width);
  std::string bar(width, '.');
  std::fill_n(bar.begin(), done, '#');
  std::fprintf(stderr, "\r[%s] %3.0f %% %.*s\x1b[K", bar.c_str(), whole * 100,
               static_cast<int>(what.size()), what.data());
}

}  // namespace heartbeat::hbload
