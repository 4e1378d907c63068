// Globs on agent ids: `*` any bytes, `?` one code point, nothing else is special.
#pragma once

#include <string_view>

namespace heartbeat::daemon {

// True if all of `text` matches. Both are valid UTF-8. Never backtracks past the last `*`, so the
// cost is at most the product of the two lengths; patterns such as `*a*a*a*b` explode nothing.
bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace heartbeat::daemon
