// A consumer of alerts that follows PROTOCOL.md, "Gap-free consumption", over a bus that loses some
// of what is published and is now and then cut for a while.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "chance.hpp"
#include "heartbeat/alert.hpp"
#include "heartbeat/status.hpp"
#include "ledger.hpp"
#include "timeline.hpp"

namespace heartbeat::simulation {

class Consumer {
 public:
  // Asks the monitor; nullopt: it does not answer.
  using Ask = std::function<std::optional<AlertsReply>(const AlertsRequest&)>;

  // `alerts_kept`: by the monitor, of its epoch.
  Consumer(Timeline& timeline, Chance& chance, const Ledger& ledger, int loses,
           std::size_t alerts_kept, Ask ask);

  // Each gets what is published, and may lose it.
  void hears(const Alert& alert);
  void hears(const Beat& beat);
  void cut_until(Instant when) { cut_until_ = when; }
  // Nothing is lost any more.
  void settle();

  // At the end: it has handled all of this epoch that is kept. Throws Finding, as all above.
  void has_all(const std::string& epoch, std::uint64_t last_seq) const;

 private:
  bool loses();
  void handle(const Alert& alert);
  void catch_up();

  Timeline& timeline_;
  Chance& chance_;
  const Ledger& ledger_;
  int loses_;
  std::size_t alerts_kept_;
  Ask ask_;
  std::string epoch_;
  std::uint64_t last_ = 0;
  // In each epoch it has handled all up to here, but for what was no longer kept when it asked.
  std::map<std::string, std::uint64_t> whole_to_;
  bool proven_ = false;
  Instant cut_until_;
};

}  // namespace heartbeat::simulation
