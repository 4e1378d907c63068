// The machine that the monitor runs on: its clocks, which the world's time knows nothing of.
#pragma once

#include <string>

#include "store/storage.hpp"
#include "timeline.hpp"

namespace heartbeat::simulation {

class Machine {
 public:
  explicit Machine(const Timeline& timeline) : timeline_(timeline) {}

  store::Clocks clocks() const {
    const Duration since_epoch = timeline_.now().time_since_epoch();
    return {Instant{since_epoch - booted_}, WallTime{wall_at_start + since_epoch + wall_ahead_}};
  }
  const std::string& boot() const { return boot_; }

  void boots() {
    booted_ = timeline_.now().time_since_epoch() - at_first;
    boot_ += "again ";
  }
  void wall_jumps(Duration ahead) { wall_ahead_ += ahead; }

 private:
  static constexpr Duration at_first{7'000};  // the boot clock when the monitor's host is up
  static constexpr Duration wall_at_start{1'750'000'000'000};

  const Timeline& timeline_;
  Duration booted_ = -at_first;
  Duration wall_ahead_{};
  std::string boot_ = "boot ";
};

}  // namespace heartbeat::simulation
