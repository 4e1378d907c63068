// Names as SlotIndex needs them, hashed and compared. Names are short, so that a call into the
// library would cost more than the work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace heartbeat::core {

__extension__ using Product = unsigned __int128;

// Multiplies to 128 bits and folds the halves together, as wyhash does. What was multiplied is in
// it once more, so that a factor of zero does not swallow the other.
inline std::uint64_t hash_step(std::uint64_t one, std::uint64_t other) {
  const Product product = static_cast<Product>(one ^ 0xA0761D6478BD642Fu) *
                          static_cast<Product>(other ^ 0xE7037ED1A0B428DBu);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64) ^ one ^
         other;
}

template <class Word>
std::uint64_t word_at(const char* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// The size is in it, so that strings behind each other do not hash as their bytes together.
inline std::uint64_t hash_of(std::string_view text, std::uint64_t seed = 0) {
  const char* at = text.data();
  const std::size_t size = text.size();
  std::uint64_t hash = seed + size * 0x9E3779B97F4A7C15u;  // far from what letters differ in
  if (size < 4) {
    std::uint64_t bytes = 0;
    for (const char byte : text) {
      bytes = bytes << 8 | static_cast<unsigned char>(byte);
    }
    return hash_step(hash, bytes);
  }
  if (size < 8) {
    return hash_step(hash,
                     word_at<std::uint32_t>(at) << 32 | word_at<std::uint32_t>(at + size - 4));
  }
  for (const char* const last = at + size - 16; at < last; at += 16) {
    hash = hash_step(hash ^ word_at<std::uint64_t>(at), word_at<std::uint64_t>(at + 8));
  }
  // The last 16 bytes, or those of a shorter one twice in part.
  const char* const end = text.data() + size;
  return hash_step(hash ^ word_at<std::uint64_t>(size < 16 ? text.data() : end - 16),
                   word_at<std::uint64_t>(end - 8));
}

inline bool same_name(std::string_view one, std::string_view other) {
  const std::size_t size = one.size();
  if (size != other.size()) {
    return false;
  }
  if (size < 8) {
    std::size_t at = 0;
    for (; at < size && one[at] == other[at]; ++at) {
    }
    return at == size;
  }
  const auto differ = [&](std::size_t at) {
    return word_at<std::uint64_t>(one.data() + at) != word_at<std::uint64_t>(other.data() + at);
  };
  for (std::size_t at = 0; at + 8 < size; at += 8) {
    if (differ(at)) {
      return false;
    }
  }
  return !differ(size - 8);
}

inline std::uint64_t hash_of(std::string_view agent_id, std::string_view run_id) {
  return hash_of(run_id, hash_of(agent_id));
}

}  // namespace heartbeat::core
