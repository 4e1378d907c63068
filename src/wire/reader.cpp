#include "wire/reader.hpp"

#include <bit>

namespace heartbeat::wire {

bool Reader::big_endian(std::size_t size, std::uint64_t& value) {
  std::string_view bytes;
  if (!take(size, bytes)) {
    return false;
  }
  value = 0;
  for (const char byte : bytes) {
    value = value << 8 | static_cast<unsigned char>(byte);
  }
  return true;
}

bool Reader::string(std::size_t size_bytes, Token& token) {
  std::uint64_t size = 0;
  token.type = TokenType::string;
  return big_endian(size_bytes, size) && take(size, token.bytes);
}

bool Reader::opaque(std::size_t size_bytes, std::size_t extra, Token& token) {
  std::uint64_t size = 0;
  token.type = TokenType::other;
  return big_endian(size_bytes, size) && take(size + extra, token.bytes);
}

bool Reader::container(TokenType type, std::size_t size_bytes, Token& token) {
  token.type = type;
  return big_endian(size_bytes, token.number);
}

bool Reader::integer(std::size_t size, bool is_signed, Token& token) {
  token.type = TokenType::unsigned_integer;
  if (!big_endian(size, token.number)) {
    return false;
  }
  if (is_signed && (token.number >> (size * 8 - 1)) != 0) {
    token.type = TokenType::negative_integer;
    token.number |= size == 8 ? 0 : ~std::uint64_t{0} << (size * 8);
  }
  return true;
}

bool Reader::real(std::size_t size, Token& token) {
  std::uint64_t bits = 0;
  if (!big_endian(size, bits)) {
    return false;
  }
  token.type = TokenType::real;
  token.real = size == 4
                   ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)))
                   : std::bit_cast<double>(bits);
  return true;
}

bool Reader::next_behind(unsigned char byte, Token& token) {
  if (byte <= 0x8f || (byte >= 0x90 && byte <= 0x9f)) {
    token.type = byte <= 0x8f ? TokenType::map : TokenType::array;
    token.number = byte & 0x0f;
    return true;
  }
  if (byte >= 0xe0) {
    token.type = TokenType::negative_integer;
    token.number = ~std::uint64_t{0xff} | byte;
    return true;
  }
  switch (byte) {
    case 0xc0:
      token.type = TokenType::nil;
      return true;
    case 0xc2:
    case 0xc3:
      token.type = TokenType::boolean;
      token.boolean = byte == 0xc3;
      return true;
    case 0xc4:
    case 0xc5:
    case 0xc6:  // bin 8, 16, 32
      return opaque(std::size_t{1} << (byte - 0xc4), 0, token);
    case 0xc7:
    case 0xc8:
    case 0xc9:  // ext 8, 16, 32
      return opaque(std::size_t{1} << (byte - 0xc7), 1, token);
    case 0xca:
      return real(4, token);
    case 0xcb:
      return real(8, token);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return integer(std::size_t{1} << (byte - 0xcc), false, token);
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return integer(std::size_t{1} << (byte - 0xd0), true, token);
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:  // fixext 1, 2, 4, 8, 16
      return opaque(0, (std::size_t{1} << (byte - 0xd4)) + 1, token);
    case 0xd9:
    case 0xda:
    case 0xdb:
      return string(std::size_t{1} << (byte - 0xd9), token);
    case 0xdc:
    case 0xdd:
      return container(TokenType::array, std::size_t{2} << (byte - 0xdc), token);
    case 0xde:
    case 0xdf:
      return container(TokenType::map, std::size_t{2} << (byte - 0xde), token);
    default:  // 0xc1 is never used
      return false;
  }
}

bool Reader::skip_container(const Token& token, int depth) {
  if (depth <= 0) {
    return false;
  }
  const std::uint64_t values = token.type == TokenType::map ? token.number * 2 : token.number;
  for (std::uint64_t i = 0; i < values; ++i) {
    Token inner;
    if (!next(inner) || !skip(inner, depth - 1)) {
      return false;
    }
  }
  return true;
}

}  // namespace heartbeat::wire
