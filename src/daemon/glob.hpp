// Globs on agent ids: `*` any bytes, `?` one code point, nothing else is special.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace heartbeat::daemon {

class Glob {
 public:
  // Valid UTF-8, as is what it is matched against.
  explicit Glob(std::string pattern) : pattern_(std::move(pattern)) {}

  // True if all of `text` matches. Never backtracks past the last `*`, so the steps are at most the
  // product of the two lengths; patterns such as `*a*a*a*b` explode nothing.
  bool matches(std::string_view text);
  // That all calls together took; some nanoseconds each.
  std::size_t steps() const { return steps_; }

 private:
  std::string pattern_;
  std::size_t steps_ = 0;
};

}  // namespace heartbeat::daemon
