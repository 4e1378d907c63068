// Where a follower of alerts is, and what it has to ask for next. No sockets and no clock of its
// own: whatever comes from the monitor is handed in, with the time at which it came.
//
// The subscription tells that something happened, the pages asked for fill in whatever is missing.
// A message from the subscription is handed on only when it is exactly the next one; in every other
// case a page is asked for, so there is one place where gaps and new epochs are dealt with.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "client/last_seqs.hpp"
#include "client/sockets.hpp"
#include "heartbeat/alert.hpp"
#include "heartbeat/alert_subscriber.hpp"
#include "heartbeat/status.hpp"

namespace heartbeat::client {

// Whether a monitor's epoch can be called so.
bool is_epoch(std::string_view text);

class AlertCursor {
 public:
  using Notice = AlertSubscriber::Notice;
  using Event = AlertSubscriber::Event;
  using Time = SteadyClock::time_point;

  // REQUIRES: before begin(). "" = of whatever epoch the monitor has.
  void begin_after(std::uint64_t seq, std::string epoch);
  // "Now", for who did not say where to begin.
  void begin(Time now);

  void take_beat(const Beat& beat, Time now);
  void take_alert(const Alert& alert, Time now);
  // The answer to request().
  void take_page(const AlertsReply& page, Time now);
  // There was none, or what came could not be read. Told once, until it is over.
  void trouble(std::string why);
  void ask_again(Time now);
  // What time alone brings.
  void look_at_clock(Time now);
  // When it is to be looked at next.
  Time next_look(Time until) const;

  // A page has to be asked for; asked() notes that it is on its way.
  bool behind() const { return behind_; }
  AlertsRequest request() const;
  void asked();

  // The next notice that was not fetched yet.
  std::optional<Notice> fetch();
  bool has_notices() const { return !notices_.empty(); }

 private:
  Notice& tell(Event event);
  void heard(const std::string& epoch, Time now);
  void seek(const Beat& beat, Time now);
  bool enter_epoch(const AlertsReply& page);
  bool looks_further_back(const AlertsReply& page);
  void pass_over_missing(const AlertsReply& page);
  void hand_on(const Alert& alert);

  std::deque<Notice> notices_;
  std::string epoch_;       // "" = not known yet
  std::uint64_t last_ = 0;  // handled, or asked after
  LastSeqs left_;           // of epochs before
  bool given_ = false;      // where to begin; else with what is raised from began_at_ on
  Time began_at_;
  std::optional<WallTime> from_;  // the same by the monitor's clock, until an alert is that late
  bool sought_ = false;           // the first page was asked for
  bool found_ = false;            // the beginning: last_ was handled, and all before it

  Time heard_at_;
  bool gone_ = false;
  bool returning_ = false;  // back under another epoch, by its beat; a page has the last word
  bool troubled_ = false;   // told of, and not over yet
  bool behind_ = false;
  std::optional<Time> ask_at_;
  std::uint64_t ask_unless_ = 0;  // ask_at_ lapses once last_ has come so far
};

}  // namespace heartbeat::client
