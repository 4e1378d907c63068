// Hashes of names, for SlotIndex. Each step multiplies to 128 bits and folds the halves together,
// as wyhash does; names are short, so that a call into the library would cost more than the hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace heartbeat::core {

__extension__ using Product = unsigned __int128;

inline std::uint64_t hash_step(std::uint64_t hash, std::uint64_t word) {
  const Product product = static_cast<Product>(hash ^ 0xA0761D6478BD642Fu) *
                          static_cast<Product>(word ^ 0xE7037ED1A0B428DBu);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <class Word>
std::uint64_t word_at(const char* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

inline std::uint64_t hash_of(std::string_view text, std::uint64_t seed = 0) {
  const char* const begin = text.data();
  std::uint64_t hash = hash_step(seed, text.size());
  if (text.size() >= 8) {
    for (std::size_t at = 0; at + 8 < text.size(); at += 8) {
      hash = hash_step(hash, word_at<std::uint64_t>(begin + at));
    }
    return hash_step(hash, word_at<std::uint64_t>(begin + text.size() - 8));
  }
  if (text.size() >= 4) {
    return hash_step(hash, word_at<std::uint32_t>(begin) << 32 |
                               word_at<std::uint32_t>(begin + text.size() - 4));
  }
  for (const char byte : text) {
    hash = hash_step(hash, static_cast<unsigned char>(byte));
  }
  return hash;
}

inline std::uint64_t hash_of(std::string_view agent_id, std::string_view run_id) {
  return hash_of(run_id, hash_of(agent_id));
}

}  // namespace heartbeat::core
