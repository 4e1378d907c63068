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

std::size_t code_point_length(std::string_view text) {
  if (text.empty()) {
    return 0;
  }
  const unsigned first = byte_at(text, 0);
  if (first < 0x80) {
    return 1;
  }
  // The second byte's range excludes overlong forms, surrogates, and what lies above U+10FFFF.
  std::size_t length = 0;
  unsigned low = 0x80;
  unsigned high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    low = first == 0xe0 ? 0xa0 : low;
    high = first == 0xed ? 0x9f : high;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    low = first == 0xf0 ? 0x90 : low;
    high = first == 0xf4 ? 0x8f : high;
  }
  if (length == 0 || text.size() < length) {
    return 0;
  }
  if (byte_at(text, 1) < low || byte_at(text, 1) > high) {
    return 0;
  }
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte_at(text, i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  return length;
}

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = code_point_length(text);
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
