#include "client/printable.hpp"

namespace heartbeat::client {

namespace {

unsigned byte_at(std::string_view text, std::size_t index) {
  return static_cast<unsigned char>(text[index]);
}

bool is_control(std::string_view code_point) {
  const unsigned first = byte_at(code_point, 0);
  return first < 0x20 || first == 0x7f || (first == 0xc2 && byte_at(code_point, 1) < 0xa0);
}

}  // namespace

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = code_point_size(text);
    const std::string_view next = text.substr(0, length == 0 ? 1 : length);
    std::string_view shown = next;
    if (length == 0) {
      shown = "?";
    } else if (is_control(next)) {
      shown = " ";
    }
    if (shown.size() > bytes_max - out.size()) {
      break;
    }
    out += shown;
    text.remove_prefix(next.size());
  }
  return out;
}

}  // namespace heartbeat::client
