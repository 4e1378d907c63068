// A run's strings in one heap block: most are short or empty, and six std::strings would cost more
// than everything else about the run. Overwriting a string by one of no greater total length
// allocates nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace heartbeat::core {

enum class Text : std::uint8_t { agent_id, run_id, task_id, agent_type, phase, detail, outcome };
inline constexpr std::size_t text_count = 7;

class Texts {
 public:
  // The view holds until the next set().
  std::string_view get(Text which) const {
    const auto index = static_cast<std::size_t>(which);
    return {bytes_.get() + offset(index), lengths_[index]};
  }
  // REQUIRES: value is not a view into this object; all strings together fit 64 KiB.
  void set(Text which, std::string_view value);

 private:
  std::size_t offset(std::size_t index) const {
    std::size_t offset = 0;
    for (std::size_t before = 0; before < index; ++before) {
      offset += lengths_[before];
    }
    return offset;
  }

  std::unique_ptr<char[]> bytes_;  // the strings end to end
  std::uint16_t capacity_ = 0;
  std::array<std::uint16_t, text_count> lengths_{};
};

}  // namespace heartbeat::core
