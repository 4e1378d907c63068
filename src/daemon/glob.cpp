#include "daemon/glob.hpp"

namespace heartbeat::daemon {
namespace {

// Where the code point at `at` ends.
std::size_t code_point_end(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) {
    ++at;
  }
  return at;
}

}  // namespace

bool Glob::matches(std::string_view text) {
  const std::string_view pattern = pattern_;
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t behind_star = std::string_view::npos;  // in the pattern
  std::size_t star_begins = 0;                       // in the text: what the star has not taken
  while (t < text.size()) {
    ++steps_;
    if (p < pattern.size() && pattern[p] == '*') {
      behind_star = ++p;
      star_begins = t;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      t = code_point_end(text, t);
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (behind_star != std::string_view::npos) {
      // The last star takes one code point more; an earlier one never needs to.
      p = behind_star;
      t = star_begins = code_point_end(text, star_begins);
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') {
    ++p;
  }
  return p == pattern.size();
}

}  // namespace heartbeat::daemon
