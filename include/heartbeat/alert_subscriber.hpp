// Follows alerts without gaps, as schemas/README.md, "Gap-free consumption", describes: subscribes,
// waits for a beat, asks for what was missed, and asks again whenever a seq or a beat shows a gap.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "heartbeat/alert.hpp"
#include "heartbeat/endpoints.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat {

class AlertSubscriber {
 public:
  // `timeout` is for each answer of the monitor.
  explicit AlertSubscriber(Endpoints endpoints, Duration timeout = Duration{2'000});
  ~AlertSubscriber();
  AlertSubscriber(const AlertSubscriber&) = delete;
  AlertSubscriber& operator=(const AlertSubscriber&) = delete;

  enum class Event { alert, gone, back, lost, trouble };
  // What happened: an alert; the monitor fell silent for 3 s (gone) or speaks again (back;
  // `restarted` where it has another epoch, and knows nothing of what was before); `lost` alerts
  // are no longer kept by the monitor; or an answer could not be had or read (trouble, told once
  // until it is over; the question is asked again, and nothing is skipped meanwhile).
  struct Notice {
    Event event = Event::alert;
    Alert alert;
    bool restarted = false;
    std::uint64_t lost = 0;
    std::string why;  // trouble
  };

  // Where to begin: after `since_seq` of the monitor's present epoch (after its last alert, if that
  // is earlier); unless told, with what comes after the call of run().
  void begin_after(std::uint64_t since_seq);

  // Delivers each alert once and in order, until `deliver` returns false or `stop_fd` (-1 = none)
  // becomes readable. Throws std::exception if the endpoint cannot be used.
  void run(const std::function<bool(const Notice&)>& deliver, int stop_fd = -1);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace heartbeat
