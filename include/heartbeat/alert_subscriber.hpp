// Follows alerts without gaps, as schemas/README.md, "Gap-free consumption", describes: subscribes,
// waits for a beat, asks for what was missed, and asks again whenever a seq or a beat shows a gap.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "heartbeat/alert.hpp"
#include "heartbeat/endpoints.hpp"

namespace heartbeat {

class AlertSubscriber {
 public:
  explicit AlertSubscriber(Endpoints endpoints);
  ~AlertSubscriber();
  AlertSubscriber(const AlertSubscriber&) = delete;
  AlertSubscriber& operator=(const AlertSubscriber&) = delete;

  enum class Event { alert, gone, back, lost };
  // What happened: an alert; the monitor fell silent for 3 s (gone) or speaks again (back); or
  // `lost` alerts of this epoch are no longer kept by the monitor.
  struct Notice {
    Event event = Event::alert;
    Alert alert;
    std::uint64_t lost = 0;
  };

  // Where to begin: after `since_seq` of the monitor's present epoch, or with what comes now.
  void begin_after(std::uint64_t since_seq);
  void begin_now();

  // Delivers each alert once and in order, until `deliver` returns false or `stop_fd` (-1 = none)
  // becomes readable.
  void run(const std::function<bool(const Notice&)>& deliver, int stop_fd = -1);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace heartbeat
