#include "heard.hpp"

#include "stop.hpp"

namespace heartbeat::hbload {

Heard::Heard(const Endpoints& endpoints, const Silences& silences, std::size_t silent)
    : subscriber_(endpoints), silences_(silences), at_(silent) {
  // It begins with what is raised after its first call.
  (void)subscriber_.next(-1, Duration{0});
}

void Heard::listen(const std::atomic<bool>& stopped) {
  while (count_ < at_.size() && !stopped) {
    if (const auto notice = subscriber_.next(-1, stop_look)) {
      note(*notice);
    }
  }
}

void Heard::note(const AlertSubscriber::Notice& notice) {
  if (notice.event != AlertSubscriber::Event::alert || notice.alert.kind != "stale") {
    return;
  }
  const auto number = silences_.number_of(notice.alert.agent_id);
  if (number && !at_[*number]) {
    at_[*number] = SteadyClock::now();
    overloaded_ += notice.alert.overloaded ? 1U : 0U;
    ++count_;
  }
}

}  // namespace heartbeat::hbload
