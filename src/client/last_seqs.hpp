// The last seq handled of each of a few epochs, for when the monitor comes back to one: it leaves
// the epoch of its state file while that cannot be written, and goes on with it at a later start.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace heartbeat::client {

class LastSeqs {
 public:
  // With a bad disk, two for each start; and a monitor comes back only to the file's.
  static constexpr std::size_t epochs_max = 8;

  // The one noted longest ago goes where there are too many.
  void note(std::string epoch, std::uint64_t seq) {
    std::erase_if(seqs_, [&](const auto& each) { return each.first == epoch; });
    if (seqs_.size() == epochs_max) {
      seqs_.pop_front();
    }
    seqs_.emplace_back(std::move(epoch), seq);
  }

  // nullopt = not known.
  std::optional<std::uint64_t> of(const std::string& epoch) const {
    const auto found = std::find_if(seqs_.begin(), seqs_.end(),
                                    [&](const auto& each) { return each.first == epoch; });
    return found == seqs_.end() ? std::nullopt : std::optional{found->second};
  }

 private:
  std::deque<std::pair<std::string, std::uint64_t>> seqs_;
};

}  // namespace heartbeat::client
