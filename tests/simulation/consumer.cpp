#include "consumer.hpp"

#include <utility>

#include "finding.hpp"

namespace heartbeat::simulation {
namespace {

constexpr Duration ahead_grace{100};

}  // namespace

Consumer::Consumer(Timeline& timeline, Chance& chance, const Ledger& ledger, int loses, Ask ask)
    : timeline_(timeline), chance_(chance), ledger_(ledger), loses_(loses), ask_(std::move(ask)) {}

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
  last_ = alert.seq;
}

void Consumer::catch_up() {
  while (const auto page = ask_(AlertsRequest{.since_seq = last_, .epoch = epoch_, .limit = 7})) {
    if (page->epoch != epoch_) {
      epoch_ = page->epoch;
      last_ = 0;
    }
    if (page->first_seq > last_ + 1) {
      last_ = page->first_seq - 1;  // no longer kept
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
  require(epoch_ == epoch && last_ >= last_seq, "the consumer is at " + std::to_string(last_) +
                                                    " of " + epoch_ + ", the monitor at " +
                                                    std::to_string(last_seq) + " of " + epoch);
}

}  // namespace heartbeat::simulation
