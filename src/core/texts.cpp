#include "core/texts.hpp"

#include <cstring>
#include <new>
#include <utility>

namespace heartbeat::core {

Texts::BlockPointer Texts::make_block(std::size_t capacity) {
  BlockPointer block{::new (::operator new(sizeof(Block) + capacity)) Block};
  block->capacity = static_cast<std::uint16_t>(capacity);
  return block;
}

void Texts::set(Text which, std::string_view value) {
  if (!block_) {
    if (value.empty()) {
      return;
    }
    block_ = make_block(value.size());
  }
  const auto index = static_cast<std::size_t>(which);
  const std::size_t begin = block_->offset(index);
  const std::size_t old_end = begin + block_->lengths[index];
  const std::size_t behind = block_->offset(text_count) - old_end;
  const std::size_t total = begin + value.size() + behind;
  if (total > block_->capacity) {
    BlockPointer grown = make_block(total);
    grown->lengths = block_->lengths;
    std::memcpy(grown->bytes(), block_->bytes(), begin);
    std::memcpy(grown->bytes() + begin + value.size(), block_->bytes() + old_end, behind);
    block_ = std::move(grown);
  } else if (value.size() != block_->lengths[index]) {
    std::memmove(block_->bytes() + begin + value.size(), block_->bytes() + old_end, behind);
  }
  if (!value.empty()) {
    std::memcpy(block_->bytes() + begin, value.data(), value.size());
  }
  block_->lengths[index] = static_cast<std::uint16_t>(value.size());
}

}  // namespace heartbeat::core
