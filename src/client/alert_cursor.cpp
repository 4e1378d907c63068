#include "client/alert_cursor.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "wire/utf8.hpp"

namespace heartbeat::client {
namespace {

constexpr Duration gone_after{3'000};    // without a beat or an alert
constexpr Duration ahead_grace{100};     // a beat may overtake our reading of alerts
constexpr Duration ask_again_in{1'000};  // after a question that was not answered

// One page earlier.
std::uint64_t page_before(std::uint64_t seq) { return seq - std::min(seq, limit_default); }

}  // namespace

bool is_epoch(std::string_view text) {
  return !text.empty() && text.size() <= epoch_bytes_max && wire::is_clean_text(text);
}

void AlertCursor::begin_after(std::uint64_t seq, std::string epoch) {
  last_ = seq;
  epoch_ = std::move(epoch);
  given_ = true;
}

void AlertCursor::begin(Time now) {
  heard_at_ = now;
  began_at_ = now;
}

AlertCursor::Notice& AlertCursor::tell(Event event) {
  notices_.emplace_back().event = event;
  return notices_.back();
}

std::optional<AlertCursor::Notice> AlertCursor::fetch() {
  if (notices_.empty()) {
    return std::nullopt;
  }
  Notice notice = std::move(notices_.front());
  notices_.pop_front();
  return notice;
}

void AlertCursor::trouble(std::string why) {
  if (!std::exchange(troubled_, true)) {
    tell(Event::trouble).why = std::move(why);
  }
}

void AlertCursor::ask_again(Time now) {
  ask_at_ = now + ask_again_in;
  ask_unless_ = UINT64_MAX;
}

AlertsRequest AlertCursor::request() const {
  AlertsRequest request;
  request.since_seq = last_;
  if (!epoch_.empty()) {
    request.epoch = epoch_;
  }
  return request;
}

void AlertCursor::asked() {
  behind_ = false;
  sought_ = true;
  ask_at_.reset();
}

// An alert is a sign of life too, and may come before the first beat. A message may be an old one
// of a monitor that is no more, so that a new epoch counts only once a page is of it.
void AlertCursor::heard(const std::string& epoch, Time now) {
  heard_at_ = now;
  if (std::exchange(gone_, false)) {
    returning_ = !epoch_.empty() && epoch != epoch_;
    if (!returning_) {
      tell(Event::back);
    }
  }
}

void AlertCursor::take_beat(const Beat& beat, Time now) {
  heard(beat.epoch, now);
  if (!given_ && !sought_) {
    seek(beat, now);
  }
  if (!found_ || beat.epoch != epoch_) {
    behind_ = behind_ || !ask_at_;
  } else if (beat.alert_seq > last_ && !ask_at_) {
    ask_at_ = now + ahead_grace;
    ask_unless_ = beat.alert_seq;
  }
}

// Where the monitor's clock stood at begin(), or a little earlier, by what the beat took on its
// way: the two machines' clocks need not agree. The alerts raised since then are among its last.
void AlertCursor::seek(const Beat& beat, Time now) {
  from_ = beat.sent_at - std::chrono::ceil<Duration>(now - began_at_);
  last_ = page_before(beat.alert_seq);
}

void AlertCursor::take_alert(const Alert& alert, Time now) {
  heard(alert.epoch, now);
  if (!found_) {
    return;  // asked for from the first beat on, with all others that came before
  }
  if (alert.epoch == epoch_ && alert.seq == last_ + 1) {
    hand_on(alert);
  } else if (alert.epoch != epoch_ || alert.seq > last_) {
    behind_ = true;
  }
}

void AlertCursor::hand_on(const Alert& alert) {
  last_ = alert.seq;
  from_.reset();
  tell(Event::alert).alert = alert;
}

void AlertCursor::take_page(const AlertsReply& page, Time now) {
  troubled_ = false;
  const bool resumed = enter_epoch(page);
  if (!found_ && looks_further_back(page)) {
    behind_ = true;
    return;
  }
  if (!std::exchange(found_, true)) {
    last_ = std::min(last_, page.last_seq);
  }
  const std::uint64_t before = last_;
  pass_over_missing(page);
  for (const Alert& alert : page.alerts) {
    if (alert.seq <= last_) {
      continue;
    }
    if (from_ && alert.raised_at < *from_) {
      last_ = alert.seq;
    } else {
      hand_on(alert);
    }
  }
  if (last_ >= page.last_seq) {
    from_.reset();
  } else if (last_ > before || resumed) {
    behind_ = true;  // to one who resumes, a page begins with the first kept alert
  } else {
    ask_again(now);  // it brought nothing although there should be more
  }
}

// Whether it is one that was left before.
bool AlertCursor::enter_epoch(const AlertsReply& page) {
  const bool another = !epoch_.empty() && page.epoch != epoch_;
  const auto known = another ? left_.of(page.epoch) : std::nullopt;
  if (std::exchange(returning_, false) || another) {
    Notice& back = tell(Event::back);
    back.restarted = another;
    back.resumed = known.has_value();
  }
  if (another) {
    if (found_ || given_) {  // else last_ was only asked after
      left_.note(epoch_, last_);
    }
    last_ = std::min(known.value_or(0), page.last_seq);  // what was given may lie ahead
  }
  epoch_ = page.epoch;
  return known.has_value();
}

// Alerts raised since begin() may lie before this page.
bool AlertCursor::looks_further_back(const AlertsReply& page) {
  if (!from_) {
    return false;
  }
  const bool past_the_end = page.alerts.empty() && last_ > page.last_seq;  // of another epoch
  const bool all_are_late = !page.alerts.empty() && page.alerts.front().raised_at >= *from_ &&
                            page.alerts.front().seq > page.first_seq;
  if (!past_the_end && !all_are_late) {
    return false;
  }
  const std::uint64_t further =
      page_before(past_the_end ? page.last_seq : page.alerts.front().seq - 1);
  const bool moves = further < last_;
  last_ = std::min(last_, further);
  return moves;
}

// What is no longer kept. While the beginning is sought, that was to be handled only where the
// first that is kept was.
void AlertCursor::pass_over_missing(const AlertsReply& page) {
  const std::uint64_t missing = page.first_seq - std::min(page.first_seq, last_ + 1);
  if (!from_) {
    if (missing > 0) {
      tell(Event::lost).lost = missing;
    }
  } else if (!page.alerts.empty() && page.alerts.front().raised_at >= *from_ &&
             page.alerts.front().seq > 1) {
    tell(Event::lost).lost = page.alerts.front().seq - 1;
  }
  last_ += missing;
}

void AlertCursor::look_at_clock(Time now) {
  if (!gone_ && now >= heard_at_ + gone_after) {
    gone_ = true;
    if (!std::exchange(returning_, false)) {
      tell(Event::gone);
    }
  }
  if (ask_at_ && now >= *ask_at_) {
    behind_ = behind_ || last_ < ask_unless_;
    ask_at_.reset();
  }
}

AlertCursor::Time AlertCursor::next_look(Time until) const {
  if (!gone_) {
    until = std::min(until, heard_at_ + gone_after);
  }
  return ask_at_ ? std::min(until, *ask_at_) : until;
}

}  // namespace heartbeat::client
