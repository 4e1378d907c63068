#include "consumer.hpp"

#include <algorithm>
#include <utility>

#include "finding.hpp"

namespace heartbeat::simulation {
namespace {

constexpr Duration ahead_grace{100};

}  // namespace

Consumer::Consumer(Timeline& timeline, Chance& chance, const Ledger& ledger, int loses,
                   std::size_t alerts_kept, Ask ask)
    : timeline_(timeline),
      chance_(chance),
      ledger_(ledger),
      loses_(loses),
      alerts_kept_(alerts_kept),
      ask_(std::move(ask)) {}

bool Consumer::loses() { return timeline_.now() < cut_until_ || chance_.percent(loses_); }

void Consumer::hears(const Alert& alert) {
  if (loses() || !proven_) {
    return;
  }
  if (alert.epoch == epoch_ && alert.seq == last_ + 1) {
    handle(alert);
  } else if (alert.epoch != epoch_ || alert.seq > last_) {
    catch_up();
  }
}

void Consumer::hears(const Beat& beat) {
  if (loses()) {
    return;
  }
  if (!std::exchange(proven_, true) || beat.epoch != epoch_) {
    catch_up();
  } else if (beat.alert_seq > last_) {
    timeline_.after(ahead_grace, [this, beat] {
      if (beat.epoch == epoch_ && beat.alert_seq > last_) {
        catch_up();
      }
    });
  }
}

void Consumer::settle() {
  cut_until_ = timeline_.now();
  loses_ = 0;
}

void Consumer::handle(const Alert& alert) {
  const Alert* published = ledger_.find(alert.epoch, alert.seq);
  require(published != nullptr && published->id == alert.id && published->kind == alert.kind &&
              published->agent_id == alert.agent_id,
          "a consumer was given alert " + std::to_string(alert.seq) + " of " + alert.epoch + " (" +
              alert.id + "), which is not what was published");
  std::uint64_t& whole_to = whole_to_[alert.epoch];
  require(alert.seq <= whole_to + 1, "a consumer was given alert " + std::to_string(alert.seq) +
                                         " of " + alert.epoch + ", and not those after " +
                                         std::to_string(whole_to));
  whole_to = std::max(whole_to, alert.seq);
  last_ = alert.seq;
}

void Consumer::catch_up() {
  while (const auto page = ask_(AlertsRequest{.since_seq = last_, .epoch = epoch_, .limit = 7})) {
    if (page->epoch != epoch_) {
      epoch_ = page->epoch;
      last_ = 0;
    }
    // Kept over restarts as well: what a monitor goes on with is an epoch as a whole.
    require(page->first_seq <= 1 || page->last_seq - page->first_seq + 1 >= alerts_kept_,
            "alerts of " + epoch_ + " are kept from " + std::to_string(page->first_seq) + " to " +
                std::to_string(page->last_seq) + " only");
    if (page->first_seq > last_ + 1) {
      last_ = page->first_seq - 1;  // no longer kept
      whole_to_[epoch_] = std::max(whole_to_[epoch_], last_);
    }
    const std::uint64_t before = last_;
    for (const Alert& alert : page->alerts) {
      require(alert.seq == last_ + 1, "a page of alerts has a gap after " + std::to_string(last_));
      handle(alert);
    }
    if (last_ >= page->last_seq) {
      return;
    }
    require(last_ > before, "a page of alerts is empty, although there are more");
  }
}

void Consumer::has_all(const std::string& epoch, std::uint64_t last_seq) const {
  for (const auto& [of_epoch, whole_to] : whole_to_) {
    require(ledger_.find(of_epoch, whole_to) != nullptr,
            "a consumer has " + std::to_string(whole_to) + " of " + of_epoch +
                ", which was not published");
  }
  require(epoch_ == epoch && last_ >= last_seq, "the consumer is at " + std::to_string(last_) +
                                                    " of " + epoch_ + ", the monitor at " +
                                                    std::to_string(last_seq) + " of " + epoch);
}

}  // namespace heartbeat::simulation
