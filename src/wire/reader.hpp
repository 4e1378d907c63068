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
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  // False: the bytes are not well-formed MessagePack, or end too early.
  bool next(Token& token);
  // Passes over what `token` began. `depth`: containers that may still be nested, itself included.
  bool skip(const Token& token, int depth);
  bool at_end() const { return rest_.empty(); }

 private:
  bool take(std::size_t size, std::string_view& bytes);
  bool big_endian(std::size_t size, std::uint64_t& value);
  bool string(std::size_t size_bytes, Token& token);
  bool opaque(std::size_t size_bytes, std::size_t extra, Token& token);
  bool container(TokenType type, std::size_t size_bytes, Token& token);
  bool integer(std::size_t size, bool is_signed, Token& token);
  bool real(std::size_t size, Token& token);

  std::string_view rest_;
};

}  // namespace heartbeat::wire
