// Follows the monitor's alerts in a thread of its own.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "alert_ring.hpp"
#include "bus/event_descriptor.hpp"
#include "heartbeat/endpoints.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::hbgate {

class AlertFollower {
 public:
  struct Portion {
    std::vector<AlertRing::Entry> entries;
    std::optional<Place> news_after;  // what the monitor had when following began
    std::optional<bool> heard;        // whether the monitor's beats come, where that changed
    std::uint64_t lost = 0;           // alerts that are kept no longer
    std::exception_ptr failure;       // following is over: the endpoint cannot be used
  };

  // Begins with the alerts that a ring holds, where the monitor answers, else with what is raised
  // from now on. `deliver`, called in the thread, hands a portion to the loop; the next follows
  // once taken() was called for it. Ends when `stop_fd` is readable.
  AlertFollower(Endpoints endpoints, Duration timeout, int stop_fd,
                std::function<void(Portion)> deliver);
  // REQUIRES: stop_fd is readable.
  ~AlertFollower();
  AlertFollower(const AlertFollower&) = delete;
  AlertFollower& operator=(const AlertFollower&) = delete;

  void taken();

 private:
  void run();
  void follow();
  bool hand_on(Portion portion);

  const Endpoints endpoints_;
  const Duration timeout_;
  const int stop_fd_;
  const std::function<void(Portion)> deliver_;
  const bus::EventDescriptor taken_;
  std::thread thread_;
};

}  // namespace heartbeat::hbgate
