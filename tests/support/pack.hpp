// MessagePack by hand, for messages that no encoder of ours would write.
#pragma once

#include <bit>
#include <cstdint>
#include <msgpack.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heartbeat::pack {

using Pairs = std::vector<std::pair<std::string, std::string>>;  // packed keys, packed values

template <class Write>
std::string packed(const Write& write) {
  std::ostringstream out;
  msgpack::packer<std::ostringstream> packer{out};
  write(packer);
  return out.str();
}

inline std::string text(std::string_view value) {
  return packed([&](auto& packer) { packer.pack(std::string{value}); });
}
inline std::string number(std::uint64_t value) {
  return packed([&](auto& packer) { packer.pack_uint64(value); });
}
inline std::string negative(std::int64_t value) {
  return packed([&](auto& packer) { packer.pack_int64(value); });
}
// By hand, because some versions of msgpack-c pack 2.0 as 2.
inline std::string real(double value) {
  return "\xcb" + packed([&](auto& packer) {
                    packer.pack_fix_uint64(std::bit_cast<std::uint64_t>(value));
                  }).substr(1);
}
inline std::string flag(bool value) { return value ? "\xc3" : "\xc2"; }
inline std::string nil() { return "\xc0"; }
inline std::string binary(std::string_view value) {
  return "\xc4" + std::string(1, static_cast<char>(value.size())) + std::string{value};
}
inline std::string list(const std::vector<std::string>& elements) {
  std::string out =
      packed([&](auto& p) { p.pack_array(static_cast<std::uint32_t>(elements.size())); });
  for (const std::string& element : elements) {
    out += element;
  }
  return out;
}
inline std::string map(const Pairs& pairs) {
  std::string out = packed([&](auto& p) { p.pack_map(static_cast<std::uint32_t>(pairs.size())); });
  for (const auto& [key, value] : pairs) {
    out += key + value;
  }
  return out;
}
// Lists within lists around a number.
inline std::string nested(int levels) {
  return std::string(static_cast<std::size_t>(levels), '\x91') + number(1);
}

}  // namespace heartbeat::pack
