#include "alert_stream.hpp"

#include <variant>

namespace heartbeat::hbgate {

namespace {

// About, in one go: what each of many streams holds while its reader is slow.
constexpr std::size_t text_max = 64 * 1024;
constexpr std::uint64_t page_max = 100;  // alerts

}  // namespace

AlertStream::AlertStream(const AlertRing& ring, const Pulse& pulse, KeptAlerts& kept,
                         const std::optional<Place>& after)
    : ring_(ring),
      pulse_(pulse),
      kept_(kept),
      handled_(after ? after : ring.news_after()),
      next_(ring.end()) {
  if (handled_) {
    const auto follows = ring.after(*handled_);
    behind_ = !follows.has_value();
    next_ = follows.value_or(ring.end());
  }
  if (!after || !behind_) {  // else it is not known what its reader has of what is here
    left_ = ring.last_before(next_);
  }
}

boost::asio::awaitable<std::string> AlertStream::next() {
  std::string text;
  if (pulse_seen_ != pulse_.number()) {
    pulse_seen_ = pulse_.number();
    if (!handled_) {
      // Nothing came since: what was raised before the last beat is no news.
      handled_ = pulse_.alerts_until();
    }
    if (handled_ && !pulse_.text().empty()) {
      // Also of who has seen no alert yet, and so comes back to the right place.
      text = "id: " + id_of(*handled_) + "\n";
    }
    text += pulse_.text();
    const auto& until = pulse_.alerts_until();
    due_ = handled_ && until && until->epoch == handled_->epoch ? until->seq : 0;
  }
  while (text.size() < text_max) {
    if (!behind_ && !append_kept(text)) {
      // Whatever the reason: alerts that the gateway was not told of can be asked for.
      behind_ = handled_ && handled_->seq < due_;
      if (!behind_) {
        break;
      }
    }
    if (behind_) {
      const std::size_t before = text.size();
      co_await append_asked(text);
      if (behind_ && text.size() == before) {
        break;  // not to be had now: it is tried again with the next pulse
      }
    }
  }
  co_return text;
}

// What the ring has, up to where something is missing. False: it has no more.
bool AlertStream::append_kept(std::string& text) {
  if (next_ < ring_.begin()) {
    if (handled_) {
      behind_ = true;
      return true;
    }
    text += lost_text(ring_.begin() - next_);
    next_ = ring_.begin();
  }
  while (next_ < ring_.end() && text.size() < text_max) {
    const AlertRing::Entry& entry = ring_.at(next_);
    if (!entry.alert) {
      text += entry.text;
    } else {
      enter(entry.alert->epoch, text);
      if (handled_ && entry.alert->seq > handled_->seq + 1) {
        behind_ = true;
        return true;
      }
      if (!handled_ || entry.alert->seq > handled_->seq) {
        append(*entry.alert, entry.text, text);
      }
    }
    ++next_;
  }
  return next_ < ring_.end();
}

// Where it is another than before, all of it follows, or what follows the last that was sent of it.
void AlertStream::enter(const std::string& epoch, std::string& text) {
  if (handled_ && handled_->epoch != epoch) {
    text += restarted_text(epoch);
    left_.note(handled_->epoch, handled_->seq);
    handled_ = Place{epoch, left_.of(epoch).value_or(0)};
    due_ = 0;
  }
}

void AlertStream::append(const Alert& alert, const std::string& as_text, std::string& text) {
  text += as_text;
  handled_ = Place{alert.epoch, alert.seq};
}

// REQUIRES: handled_.
boost::asio::awaitable<void> AlertStream::append_asked(std::string& text) {
  AlertsRequest question;
  question.since_seq = handled_->seq;
  question.epoch = handled_->epoch;
  question.limit = page_max;
  co_await kept_.ask(question, [&](const Answer<AlertsReply>& answer) {
    if (const auto* page = std::get_if<AlertsReply>(&answer)) {
      append(*page, text);
    }
  });
}

void AlertStream::append(const AlertsReply& page, std::string& text) {
  enter(page.epoch, text);
  if (page.first_seq > handled_->seq + 1) {
    text += lost_text(page.first_seq - handled_->seq - 1);
    handled_->seq = page.first_seq - 1;
  }
  for (const Alert& alert : page.alerts) {
    if (alert.seq > handled_->seq) {  // of another epoch than asked for, it begins with the first
      append(alert, alert_text(alert), text);
    }
  }
  if (handled_->seq >= page.last_seq) {
    handled_->seq = page.last_seq;  // it may have named one that is yet to come
    const auto follows = ring_.after(*handled_);
    behind_ = false;
    due_ = 0;
    next_ = follows.value_or(ring_.end());
  }
}

}  // namespace heartbeat::hbgate
