// What one stream still has to send, however slow it is: kept alerts first, where it comes back
// after a while, then what is raised.
//
// Where the next alert is not the one that follows the last, the monitor is asked for those
// between: so a gap cannot pass, wherever it comes from.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "alert_ring.hpp"
#include "client/last_seqs.hpp"
#include "kept_alerts.hpp"
#include "pulse.hpp"

namespace heartbeat::hbgate {

class AlertStream {
 public:
  // `after`: what its reader has handled last; nullopt = it wants the news alone.
  AlertStream(const AlertRing& ring, const Pulse& pulse, KeptAlerts& kept,
              const std::optional<Place>& after);

  // What there is to send by now, some of it where it is much; "" = nothing yet.
  boost::asio::awaitable<std::string> next();

 private:
  bool append_kept(std::string& text);
  boost::asio::awaitable<void> append_asked(std::string& text);
  void append(const AlertsReply& page, std::string& text);
  void enter(const std::string& epoch, std::string& text);
  void append(const Alert& alert, const std::string& as_text, std::string& text);

  const AlertRing& ring_;
  const Pulse& pulse_;
  KeptAlerts& kept_;
  std::optional<Place> handled_;
  client::LastSeqs left_;   // of epochs before handled_'s
  std::uint64_t next_ = 0;  // in the ring
  bool behind_ = false;     // the monitor has to be asked
  std::uint64_t due_ = 0;   // the monitor had raised this one when the last but one pulse was heard
  std::uint64_t pulse_seen_ = 0;
};

}  // namespace heartbeat::hbgate
