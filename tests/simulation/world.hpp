// One seed's world from beginning to end.
#pragma once

#include <spdlog/fwd.h>

#include <cstdint>
#include <deque>
#include <iosfwd>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent.hpp"
#include "consumer.hpp"
#include "disk.hpp"
#include "ledger.hpp"
#include "machine.hpp"
#include "monitor_process.hpp"
#include "plan.hpp"
#include "truth.hpp"

namespace heartbeat::simulation {

// What happened in a world, for the sum over many: a simulation in which nothing ever happens would
// find nothing.
struct Happened {
  std::uint64_t events = 0;
  std::uint64_t alerts = 0;
  std::uint64_t pauses = 0;
  std::uint64_t restarts = 0;
  std::uint64_t epochs_left = 0;
  Happened& operator+=(const Happened& other);
};

class World final : public Onlooker {
 public:
  // `trace`: what happens is written there; nullptr: nowhere.
  World(std::uint64_t seed, std::ostream* trace);
  // Throws Finding, which says when.
  Happened live();

 private:
  enum class Death { kill, end, power_cut };

  void arrange_faults();
  void arrange(int per_minute, const std::function<void()>& fault);
  void send(std::size_t agent, const SharedMessage& message);
  // A batch's fate is known.
  void written();
  void dies(Death how);
  void starts();
  // The instant since which the monitor has not stood still for so long in all.
  Instant worked_since(Duration worked) const;
  Duration stopped_since(Instant since) const;
  void settle();
  void pause();
  std::optional<AlertsReply> ask(const AlertsRequest& request);
  void trace(const std::string& what);

  void arrives(const SharedMessage& message) override;
  void reads(const SharedMessage& message, Instant at, const daemon::Watch& watch) override;
  void judged(Instant at, bool drained, const daemon::Watch& watch) override;
  void publishes(const daemon::AlertLog::Entry& entry) override;
  void beats(const Beat& beat) override;
  void stops(Instant from, Instant to) override;
  void lags(Instant from, Duration lag) override { truth_.lags(from, lag); }
  const daemon::Options& rereads(Instant at) override;

  std::ostream* trace_;
  std::shared_ptr<spdlog::logger> logger_;
  Chance chance_;
  Plan plan_;
  Timeline timeline_;
  Machine machine_{timeline_};
  Disk disk_;
  MonitorProcess monitor_;
  Truth truth_;
  Ledger ledger_;
  Consumer consumer_;
  std::vector<std::unique_ptr<Agent>> agents_;
  std::vector<Instant> cut_until_;     // of each agent's network
  std::vector<Instant> connected_at_;  // of each agent
  bool settling_ = false;
  bool killed_at_part_ = false;  // as soon as a batch is kept that left something out

  std::uint64_t judged_seq_ = 0;  // the last alert that was held against the truth
  std::string judged_epoch_;
  std::deque<Instant> judged_at_;                   // of alerts that are not published
  std::vector<std::pair<Instant, Instant>> stops_;  // of this life
  std::optional<Truth::Restart> death_;
  std::size_t runs_most_ = 0;  // in flight from here on; above runs_max, only those who were
  Instant started_;            // the monitor, and how long it took itself to have been down
  Duration down_{};
  Happened happened_;
};

}  // namespace heartbeat::simulation
