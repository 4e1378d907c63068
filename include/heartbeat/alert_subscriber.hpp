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
  // `timeout` is for each answer of the monitor. Throws std::runtime_error where too few
  // descriptors are left.
  explicit AlertSubscriber(Endpoints endpoints, Duration timeout = Duration{2'000});
  ~AlertSubscriber();
  AlertSubscriber(const AlertSubscriber&) = delete;
  AlertSubscriber& operator=(const AlertSubscriber&) = delete;

  enum class Event { alert, gone, back, lost, trouble };
  // What happened: an alert; the monitor fell silent for 3 s (gone) or speaks again (back); `lost`
  // alerts are no longer kept by the monitor; or an answer could not be had or read (trouble, told
  // once until it is over; the question is asked again, and nothing is skipped meanwhile).
  //
  // `restarted`, of `back`, is told whenever the monitor has another epoch than before, or than
  // begin_after() named, also where it was never silent. An epoch need not be new: a monitor that
  // cannot write its state file leaves the file's epoch, and goes on with it at its next start.
  // `resumed` is told with it where the epoch is one of the last eight before (that of
  // begin_after() among them): what comes next is what follows the last alert handed on of that
  // epoch. Else its first kept alert comes next. What was not handed on of the epoch that ended
  // comes only if that is resumed.
  struct Notice {
    Event event = Event::alert;
    Alert alert;
    bool restarted = false;
    bool resumed = false;
    std::uint64_t lost = 0;
    std::string why;  // trouble
  };

  // Where to begin: after the alert `since_seq` of `epoch`, which a consumer keeps together. Under
  // another epoch the monitor begins with the first alert that it keeps, and `restarted` is told.
  // Without an epoch: of the one that the monitor has when it is first heard. A `since_seq` that
  // the epoch has not reached counts as its last alert's. Call it before those below. Throws
  // std::invalid_argument where an epoch can have no such name.
  void begin_after(std::uint64_t since_seq, std::optional<std::string> epoch = std::nullopt);

  // Unless told, it begins with what is raised after the first call of a function below, also where
  // the monitor starts or can be reached only later: with the first kept alert whose `raised_at`
  // is not before that call. The call's time by the monitor's clock is reckoned from a beat, which
  // is late by what it took to come, at most about a second where next() is called seldom: an alert
  // from so shortly before may be handed on, and none is skipped unless the monitor's clock is set
  // meanwhile. Where even the first that is kept was raised after the call, all before it (at most
  // so many may have been meant) are told as `lost`.

  // The next notice: each alert once and in order. Waits until there is one, and no longer than
  // until `stop_fd` (-1 = none) is readable or `limit` has passed, whatever the monitor owes; then
  // nullopt. A readable `stop_fd` goes before a notice. Throws std::exception if the endpoint
  // cannot be used.
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
