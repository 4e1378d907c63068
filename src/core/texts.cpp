#include "core/texts.hpp"

#include <cstring>

namespace heartbeat::core {

void Texts::set(Text which, std::string_view value) {
  const auto index = static_cast<std::size_t>(which);
  const std::size_t begin = offset(index);
  const std::size_t old_end = begin + lengths_[index];
  const std::size_t old_total = offset(text_count);
  const std::size_t behind = old_total - old_end;
  const std::size_t total = begin + value.size() + behind;
  if (total > capacity_) {
    auto grown = std::make_unique_for_overwrite<char[]>(total);
    if (bytes_) {
      std::memcpy(grown.get(), bytes_.get(), begin);
      std::memcpy(grown.get() + begin + value.size(), bytes_.get() + old_end, behind);
    }
    bytes_ = std::move(grown);
    capacity_ = static_cast<std::uint16_t>(total);
  } else if (value.size() != lengths_[index]) {
    std::memmove(bytes_.get() + begin + value.size(), bytes_.get() + old_end, behind);
  }
  if (!value.empty()) {
    std::memcpy(bytes_.get() + begin, value.data(), value.size());
  }
  lengths_[index] = static_cast<std::uint16_t>(value.size());
}

}  // namespace heartbeat::core
