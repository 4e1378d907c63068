// Strings on the wire are valid UTF-8 without control characters (U+0000–U+001F, U+007F).
#pragma once

#include <cstddef>
#include <string_view>

namespace heartbeat::wire {

bool is_clean_text(std::string_view text);

// Bytes of the valid UTF-8 code point that `text` begins with; 0 = it begins with none.
std::size_t code_point_size(std::string_view text);

}  // namespace heartbeat::wire
