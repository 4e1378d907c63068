// A run's strings in one heap block: most are short or empty, and six std::strings would cost more
// than everything else about the run. Overwriting a string by one of no greater total length
// allocates nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/hash.hpp"

namespace heartbeat::core {

enum class Text : std::uint8_t { agent_id, run_id, task_id, agent_type, phase, detail, outcome };
inline constexpr std::size_t text_count = 7;

class Texts {
 public:
  // The view holds until the next set().
  std::string_view get(Text which) const {
    const auto index = static_cast<std::size_t>(which);
    return block_
               ? std::string_view{block_->bytes() + block_->offset(index), block_->lengths[index]}
               : std::string_view{};
  }
  // Whether the first two strings are these.
  bool begin_with(std::string_view agent_id, std::string_view run_id) const {
    return block_ && block_->lengths[0] == agent_id.size() && block_->lengths[1] == run_id.size() &&
           same_name({block_->bytes(), agent_id.size()}, agent_id) &&
           same_name({block_->bytes() + agent_id.size(), run_id.size()}, run_id);
  }
  // REQUIRES: value is not a view into this object; all strings together fit 64 KiB.
  void set(Text which, std::string_view value);
  // Asks for the memory of the first strings.
  void prefetch() const {
    if (!block_) {
      return;
    }
    const char* block = reinterpret_cast<const char*>(block_.get());
    __builtin_prefetch(block);
    __builtin_prefetch(block + first_bytes - 1);
  }

 private:
  static constexpr std::size_t first_bytes = 32;

  // The strings follow it end to end.
  struct Block {
    std::uint16_t capacity = 0;
    std::array<std::uint16_t, text_count> lengths{};

    char* bytes() { return reinterpret_cast<char*>(this + 1); }
    const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
    std::size_t offset(std::size_t index) const {
      std::size_t offset = 0;
      for (std::size_t before = 0; before < index; ++before) {
        offset += lengths[before];
      }
      return offset;
    }
  };
  struct Free {
    void operator()(Block* block) const { ::operator delete(block); }
  };
  using BlockPointer = std::unique_ptr<Block, Free>;
  static BlockPointer make_block(std::size_t capacity);

  BlockPointer block_;
};

}  // namespace heartbeat::core
