// Strings on the wire are valid UTF-8 without control characters (U+0000–U+001F, U+007F).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace heartbeat::wire {

// Eight bytes at once, because nearly all text is ASCII: true if each is 0x20 to 0x7e. Where a byte
// is not, its own sum or difference sets its high bit, so a carry into the next decides nothing.
inline bool is_plain_ascii(const char* text) {
  constexpr std::uint64_t each = 0x0101'0101'0101'0101;
  std::uint64_t word = 0;
  std::memcpy(&word, text, sizeof word);
  return ((word | (word + each) | (word - each * 0x20)) & (each * 0x80)) == 0;
}

bool is_clean_any_text(std::string_view text);

// What most strings are is decided here; the rest is a call.
inline bool is_clean_text(std::string_view text) {
  constexpr std::size_t word = sizeof(std::uint64_t);
  return (text.size() >= word && text.size() <= 2 * word && is_plain_ascii(text.data()) &&
          is_plain_ascii(text.data() + text.size() - word)) ||
         is_clean_any_text(text);
}

// Bytes of the valid UTF-8 code point that `text` begins with; 0 = it begins with none.
std::size_t code_point_size(std::string_view text);

}  // namespace heartbeat::wire
