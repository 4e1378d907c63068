// Text that is fit to send as decoration, and to show on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "wire/utf8.hpp"

namespace heartbeat::client {

using wire::code_point_size;
using wire::is_clean_text;

// `text` with each control character (also U+0080–U+009F, which terminals obey) replaced by a
// space, each byte that is not valid UTF-8 by `?`, and cut at a code point to `bytes_max` bytes.
std::string printable(std::string_view text, std::size_t bytes_max = std::string_view::npos);

}  // namespace heartbeat::client
