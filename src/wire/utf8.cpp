#include "wire/utf8.hpp"

#include <cstddef>
#include <cstdint>

namespace heartbeat::wire {

// By the table of well-formed byte sequences in The Unicode Standard, section 3.9.
std::size_t code_point_size(std::string_view text) {
  if (text.empty()) {
    return 0;
  }
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) {
    return 1;
  }
  const std::size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (size == 0 || first > 0xf4 || text.size() < size) {
    return 0;
  }
  const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (at(1) < low || at(1) > high) {
    return 0;
  }
  for (std::size_t i = 2; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  return size;
}

bool is_clean_any_text(std::string_view text) {
  while (!text.empty()) {
    if (text.size() >= sizeof(std::uint64_t) && is_plain_ascii(text.data())) {
      text.remove_prefix(sizeof(std::uint64_t));
      continue;
    }
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x80) {
      if (first < 0x20 || first == 0x7f) {
        return false;
      }
      text.remove_prefix(1);
      continue;
    }
    const std::size_t size = code_point_size(text);
    if (size == 0) {
      return false;
    }
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace heartbeat::wire
