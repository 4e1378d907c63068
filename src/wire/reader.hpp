// A cursor over MessagePack bytes: one token at a time, without copying and without allocating.
// A length is believed only as far as there are bytes behind it.
//
// Pulling tokens lets one recursive decoder serve every message; msgpack-c's visitor would need a
// state machine for each. msgpack-c's parser is the oracle in the fuzz test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace heartbeat::wire {

enum class TokenType : std::uint8_t {
  nil,
  boolean,
  unsigned_integer,  // also of a signed format, where it is not negative
  negative_integer,
  real,
  string,
  other,  // bin, ext
  array,
  map,
};

struct Token {
  TokenType type = TokenType::nil;
  bool boolean = false;
  // An integer, a negative one as two's complement; elements of an array, pairs of a map.
  std::uint64_t number = 0;
  double real = 0;
  std::string_view bytes;  // of a string
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  // False: the bytes are not well-formed MessagePack, or end too early. What messages mostly
  // consist of is decided here; the rest is a call.
  bool next(Token& token) {
    if (at_ == end_) {
      return false;
    }
    const auto first = static_cast<unsigned char>(*at_++);
    if (first <= 0x7f) {
      token.type = TokenType::unsigned_integer;
      token.number = first;
      return true;
    }
    if (first >= 0xa0 && first <= 0xbf) {
      token.type = TokenType::string;
      return take(first & 0x1fU, token.bytes);
    }
    return next_behind(first, token);
  }
  // Passes over what `token` began. `depth`: containers that may still be nested, itself included.
  bool skip(const Token& token, int depth) {
    return (token.type != TokenType::array && token.type != TokenType::map) ||
           skip_container(token, depth);
  }
  bool at_end() const { return at_ == end_; }

 private:
  bool take(std::size_t size, std::string_view& bytes) {
    if (size > static_cast<std::size_t>(end_ - at_)) {
      return false;
    }
    bytes = {at_, size};
    at_ += size;
    return true;
  }
  bool next_behind(unsigned char first, Token& token);
  bool skip_container(const Token& token, int depth);
  bool big_endian(std::size_t size, std::uint64_t& value);
  bool string(std::size_t size_bytes, Token& token);
  bool opaque(std::size_t size_bytes, std::size_t extra, Token& token);
  bool container(TokenType type, std::size_t size_bytes, Token& token);
  bool integer(std::size_t size, bool is_signed, Token& token);
  bool real(std::size_t size, Token& token);

  const char* at_;
  const char* end_;
};

}  // namespace heartbeat::wire
