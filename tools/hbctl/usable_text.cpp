#include "usable_text.hpp"

#include "client/printable.hpp"

namespace heartbeat::hbctl {

namespace {

constexpr std::size_t quoted_bytes = 40;  // enough to know it again

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = client::code_point_size(text);
    if (size == 0) {
      return false;
    }
    text.remove_prefix(size);
  }
  return true;
}

std::string quoted(std::string_view text) {
  return "'" + client::printable(text, quoted_bytes) + (text.size() > quoted_bytes ? "…" : "") +
         "'";
}

}  // namespace

std::string why_unusable(std::string_view text, Bounds bounds) {
  std::string problem;
  if (text.empty() && bounds.min > 0) {
    problem = "is empty";
  } else if (text.size() > bounds.max) {
    problem = "has " + std::to_string(text.size()) + " bytes";
  } else if (!is_utf8(text)) {
    problem = "is not UTF-8";
  } else if (!client::is_clean_text(text)) {
    problem = "holds a control character";
  } else {
    return "";
  }
  return quoted(text) + " " + problem + ", expected are " + std::to_string(bounds.min) + " to " +
         std::to_string(bounds.max) + " bytes of UTF-8 without control characters";
}

}  // namespace heartbeat::hbctl
