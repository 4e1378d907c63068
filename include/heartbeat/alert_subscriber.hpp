// Follows alerts without gaps, as schemas/README.md, "Gap-free consumption", describes: subscribes,
// waits for a beat, asks for what was missed, and asks again whenever a seq or a beat shows a gap.
//
//   heartbeat::AlertSubscriber alerts{heartbeat::Endpoints{}};
//   for (const auto& notice : alerts) {
//     if (notice.event == heartbeat::AlertSubscriber::Event::alert) handle(notice.alert);
//   }
#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

#include "heartbeat/alert.hpp"
#include "heartbeat/endpoints.hpp"
#include "heartbeat/export.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat {

class HEARTBEAT_EXPORT AlertSubscriber {
 public:
  // `timeout` is for each answer of the monitor.
  explicit AlertSubscriber(Endpoints endpoints, Duration timeout = Duration{2'000});
  ~AlertSubscriber();
  AlertSubscriber(const AlertSubscriber&) = delete;
  AlertSubscriber& operator=(const AlertSubscriber&) = delete;

  enum class Event { alert, gone, back, lost, trouble };
  // What happened: an alert; the monitor fell silent for 3 s (gone) or speaks again (back;
  // `restarted` where it has another epoch, and knows nothing of what was before); `lost` alerts
  // are no longer kept by the monitor; or an answer could not be had or read (trouble, told
  // once until it is over; the question is asked again, and nothing is skipped meanwhile).
  struct Notice {
    Event event = Event::alert;
    Alert alert;
    bool restarted = false;
    std::uint64_t lost = 0;
    std::string why;  // trouble
  };

  // Where to begin: after `since_seq` of the monitor's present epoch (after its last alert, if that
  // is earlier); unless told, with what comes after the first call of a function below. Call it
  // before those.
  void begin_after(std::uint64_t since_seq);

  // The next notice: each alert once and in order. Waits until there is one, and no longer than
  // until `stop_fd` (-1 = none) is readable or `limit` has passed; then nullopt. Throws
  // std::exception if the endpoint cannot be used.
  std::optional<Notice> next(int stop_fd = -1, Duration limit = duration_max);
  // Hands each to `deliver` until that returns false or `stop_fd` becomes readable.
  void run(const std::function<bool(const Notice&)>& deliver, int stop_fd = -1);

  // All notices, without end.
  class Iterator {
   public:
    using value_type = Notice;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    explicit Iterator(AlertSubscriber& of) : of_(&of), notice_(of.next()) {}
    const Notice& operator*() const { return *notice_; }
    const Notice* operator->() const { return &*notice_; }
    Iterator& operator++() {
      notice_ = of_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !notice_; }

   private:
    AlertSubscriber* of_;
    std::optional<Notice> notice_;
  };
  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() { return {}; }

 private:
  struct HEARTBEAT_LOCAL State;
  std::unique_ptr<State> state_;
};

}  // namespace heartbeat
