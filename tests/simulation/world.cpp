#include "world.hpp"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <utility>
#include <variant>

#include "finding.hpp"
#include "wire/decode.hpp"
#include "wire/encode.hpp"

namespace heartbeat::simulation {
namespace {

constexpr Duration minute{60'000};
constexpr Duration publishing_max{60};  // beyond what an alert may wait for its commit
// A monitor has in its file what it read so long before; with small batches somewhat later: of runs
// one follows the other, of sources, three to an agent, one may wait for the next that is due.
constexpr Duration kept_within{160};
constexpr Duration next_batch{6};
constexpr Duration next_due_batch{3 * 60};

std::int64_t batches(const Plan& plan, std::size_t share) {
  return plan.agents / static_cast<std::int64_t>(share);
}
constexpr Duration settling{4'000};
constexpr Duration consumer_in_time{1'200};  // a beat, and the grace for one that is ahead

std::shared_ptr<spdlog::logger> make_logger(std::ostream* trace) {
  if (trace == nullptr) {
    return std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::null_sink_st>());
  }
  auto logger = std::make_shared<spdlog::logger>(
      "", std::make_shared<spdlog::sinks::ostream_sink_st>(*trace));
  logger->set_pattern("             log: %v");
  return logger;
}

}  // namespace

Happened& Happened::operator+=(const Happened& other) {
  events += other.events;
  alerts += other.alerts;
  pauses += other.pauses;
  restarts += other.restarts;
  epochs_left += other.epochs_left;
  return *this;
}

World::World(std::uint64_t seed, std::ostream* trace)
    : trace_(trace),
      logger_(make_logger(trace)),
      chance_(seed),
      plan_(make_plan(chance_)),
      disk_(timeline_, chance_, plan_.options.alerts_kept, [this] { written(); }),
      monitor_(timeline_, chance_, plan_, machine_, disk_, *this, logger_),
      truth_(plan_),
      consumer_(timeline_, chance_, ledger_, plan_.loses, plan_.options.alerts_kept,
                [this](const AlertsRequest& request) { return ask(request); }),
      cut_until_(static_cast<std::size_t>(plan_.agents)),
      connected_at_(cut_until_.size()) {
  for (std::size_t i = 0; i < cut_until_.size(); ++i) {
    // Some are several runs of one agent side by side.
    const std::string agent_id = "a" + std::to_string(i * 2 / 3);
    agents_.push_back(
        std::make_unique<Agent>(timeline_, chance_, plan_, agent_id, static_cast<int>(i),
                                [this, i](const SharedMessage& message) { send(i, message); }));
  }
}

Happened World::live() {
  try {
    starts();
    arrange_faults();
    timeline_.run_until(Instant{plan_.length});
    settle();
  } catch (const Finding& finding) {
    throw Finding("at " + std::to_string(timeline_.now().time_since_epoch().count()) +
                  " ms: " + finding.what());
  }
  return happened_;
}

void World::arrange(int per_minute, const std::function<void()>& fault) {
  for (auto left = per_minute * plan_.length / minute + chance_.number(0, 1); left > 0; --left) {
    if (per_minute > 0) {
      timeline_.at(Instant{chance_.time(Duration{0}, plan_.length)}, fault);
    }
  }
}

void World::arrange_faults() {
  const auto for_a_while = [this](Duration most) {
    return timeline_.now() + chance_.time(Duration{200}, most);
  };
  arrange(plan_.pauses, [this] { pause(); });
  arrange(plan_.kills, [this] {
    const bool whole_batches = plan_.shares.runs_per_batch == daemon::Shares{}.runs_per_batch;
    if (whole_batches || chance_.one_in(2)) {
      dies(Death::kill);
    } else {
      killed_at_part_ = true;
    }
  });
  arrange(plan_.ends, [this] { dies(Death::end); });
  arrange(plan_.power_cuts, [this] { dies(Death::power_cut); });
  arrange(plan_.clock_jumps, [this] {
    machine_.wall_jumps(chance_.time(Duration{-7'200'000}, Duration{7'200'000}));
    trace("the wall clock jumps");
  });
  arrange(plan_.reloads, [this] { monitor_.reload(); });
  arrange(plan_.slow_disks, [this, for_a_while] {
    disk_.slow(chance_.time(Duration{20}, Duration{600}), for_a_while(Duration{3'000}));
    trace("the disk is slow");
  });
  arrange(plan_.full_disks, [this, for_a_while] {
    disk_.full(for_a_while(Duration{5'000}));
    trace("the disk is full");
  });
  arrange(plan_.partitions, [this, for_a_while] {
    const Instant until = for_a_while(3 * plan_.options.limits.stale_threshold_ms);
    const auto part = chance_.number(1, 3);
    for (std::size_t i = 0; i < cut_until_.size(); ++i) {
      if (chance_.one_in(part)) {
        cut_until_[i] = until;
        if (chance_.one_in(2)) {
          timeline_.at(until, [this, i] { agents_[i]->subscribed(); });
        }
      }
    }
    trace("a partition");
  });
  arrange(4, [this, for_a_while] { consumer_.cut_until(for_a_while(Duration{5'000})); });
  arrange(120, [this] { monitor_.set_lag(chance_.time(Duration{0}, plan_.lag_max)); });
}

void World::pause() {
  const Duration length = chance_.time(Duration{60}, Duration{4'000});
  monitor_.stop(length, chance_.one_in(3));
  if (chance_.one_in(3)) {
    for (const auto& agent : agents_) {
      agent->stops_until(timeline_.now() + length);
    }
    trace("with its agents:");
  }
}

void World::send(std::size_t agent, const SharedMessage& message) {
  if (!monitor_.runs() || timeline_.now() < connected_at_[agent] ||
      timeline_.now() < cut_until_[agent] || (!settling_ && chance_.percent(plan_.loses))) {
    return trace("lost: " + message->shown());
  }
  const int copies = !settling_ && chance_.percent(plan_.duplicates) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    const bool at_once = settling_ || chance_.one_in(2);
    timeline_.after(
        Duration{1} + (at_once ? Duration{0} : chance_.time(Duration{0}, plan_.delay_max)),
        [this, message, restarts = happened_.restarts] {
          if (restarts == happened_.restarts) {  // else its connection is gone
            monitor_.deliver(message);
          }
        });
  }
}

// That is when the file holds least of what belongs together.
void World::written() {
  if (killed_at_part_ && disk_.last() && disk_.last()->whole_to < disk_.last()->handed_over) {
    killed_at_part_ = false;
    dies(Death::kill);
  } else {
    monitor_.wake();
  }
}

void World::dies(Death how) {
  if (!monitor_.runs() || settling_) {
    return;
  }
  const Instant now = timeline_.now();
  if (how == Death::end) {
    if (!monitor_.end()) {
      return;
    }
    disk_.close();
  } else if (how == Death::kill) {
    monitor_.kill();
    disk_.kill();
  } else {
    monitor_.kill();
    disk_.cut_power();
  }
  const bool left_file = monitor_.left_file();
  happened_.epochs_left += left_file ? 1 : 0;
  const bool clean = how != Death::power_cut && disk_.always_fast() && !left_file;
  trace(how == Death::end ? "ends" : how == Death::kill ? "is killed" : "the power is cut");
  Truth::Restart& death = death_.emplace();
  death.died = now;
  death.new_boot = how == Death::power_cut || (how == Death::end && chance_.one_in(3));
  death.remembers = plan_.keeps_state && disk_.last();
  if (death.remembers) {
    // In the same millisecond there may have been another turn.
    death.kept_to = death.sources_kept_to = disk_.last()->whole_to - Duration{1};
    if (clean) {
      const Duration runs_within =
          kept_within + next_batch * batches(plan_, plan_.shares.runs_per_batch);
      const auto kept_to = [&](Duration within) {
        return how == Death::end ? now : worked_since(within);
      };
      death.kept_to = std::max(death.kept_to, kept_to(runs_within));
      death.sources_kept_to = std::max(
          death.sources_kept_to,
          kept_to(runs_within + next_due_batch * batches(plan_, plan_.shares.sources_per_batch)));
    }
  }
  // Written before said, on any disk; but beside the file all is forgotten, and so it is by a cut.
  if (left_file || how == Death::power_cut || !death.remembers) {
    ledger_.forgotten();
  }
  const Duration down = death.new_boot ? chance_.time(Duration{2'000}, Duration{15'000})
                                       : chance_.time(Duration{20}, Duration{5'000});
  timeline_.after(down, [this] { starts(); });
}

Instant World::worked_since(Duration worked) const {
  Instant to = timeline_.now();
  for (auto stop = stops_.rbegin(); stop != stops_.rend() && to - worked < stop->second; ++stop) {
    worked -= std::max(to - stop->second, Duration{});
    to = std::min(to, stop->first);
  }
  return to - worked;
}

Duration World::stopped_since(Instant since) const {
  Duration stopped{};
  for (const auto& [from, to] : stops_) {
    stopped += to > since ? to - from : Duration{};
  }
  return stopped;
}

void World::starts() {
  if (death_ && death_->new_boot) {
    machine_.boots();
  }
  stops_.clear();
  monitor_.start();
  // A kill may leave a run in the file without the end of the one that made room for it; that no
  // other goes on is the truth's to see.
  runs_most_ = std::max(plan_.options.limits.runs_max, monitor_.watch().fleet().runs_in_flight());
  ++happened_.restarts;
  trace("starts, epoch " + monitor_.watch().alerts().epoch());
  judged_epoch_ = monitor_.watch().alerts().epoch();
  if (!ledger_.knows(judged_epoch_)) {
    ledger_.forgotten();  // what may not have been published is told of once more
  }
  judged_seq_ = monitor_.watch().alerts().last_seq();
  judged_at_.clear();
  monitor_.watch().alerts().each_unpublished(
      [this](const daemon::AlertLog::Entry&) { judged_at_.push_back(timeline_.now()); });
  if (death_) {
    death_->started = timeline_.now();
    death_->wall = machine_.clocks().wall_now;
    if (death_->remembers) {
      const Disk::Last& last = *disk_.last();
      const store::Clocks clocks = machine_.clocks();
      const Duration down = last.boot == machine_.boot()
                                ? clocks.now - last.clocks.now
                                : std::max(clocks.wall_now - last.clocks.wall_now, Duration{});
      // Ages go on from the last batch; where this life wrote none, as they did at its start.
      death_->older = last.written >= started_ ? down - (timeline_.now() - last.written)
                                               : down - down_ - (timeline_.now() - started_);
      death_->down = down;
      down_ = down;
    }
    truth_.restarts(*death_, monitor_.watch());
    death_.reset();
  }
  started_ = timeline_.now();
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    connected_at_[i] = timeline_.now() + chance_.time(Duration{5}, Duration{400});
    timeline_.at(connected_at_[i], [this, i, at = connected_at_[i]] {
      if (at == connected_at_[i]) {
        agents_[i]->subscribed();
      }
    });
  }
}

// Faults are over: everything that was said has to have an end, and everybody has to have it.
void World::settle() {
  settling_ = true;
  trace("settles");
  monitor_.set_lag(Duration{0});
  disk_.full(timeline_.now());
  disk_.slow(Duration{0}, timeline_.now());
  consumer_.settle();
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    cut_until_[i] = timeline_.now();
    agents_[i]->settle();
  }
  // A machine may be down for 15 s yet; and what fell silent is to be warned of.
  const Instant up = timeline_.now() + (monitor_.runs() ? Duration{0} : Duration{15'000});
  timeline_.run_until(up + settling + plan_.options.restart_grace_ms +
                      2 * plan_.options.limits.stale_threshold_ms);
  const daemon::Watch& watch = monitor_.watch();
  const std::uint64_t published = watch.alerts().published_seq();
  timeline_.run_until(timeline_.now() + consumer_in_time);
  consumer_.has_all(watch.alerts().epoch(), published);
  while (watch.alerts().unpublished() > 0) {
    timeline_.run_until(timeline_.now() + Duration{1});
  }
  truth_.compare(watch.fleet());
  std::map<std::string, std::string> open;
  const core::Fleet& fleet = watch.fleet();
  fleet.scan(0, SIZE_MAX, [&](const core::Run& run) {
    if (run.rare().episode != 0) {
      open[watch.alerts().episode_id(run.rare().episode)] = std::string(run.agent_id());
    }
    return true;
  });
  for (const std::uint64_t episode : {fleet.storm(), fleet.numbers().capacity_episode}) {
    if (episode != 0) {
      open[watch.alerts().episode_id(episode)] = "fleet";
    }
  }
  ledger_.all_closed_but(open);
}

std::optional<AlertsReply> World::ask(const AlertsRequest& request) {
  if (!monitor_.runs()) {
    return std::nullopt;
  }
  std::string question;
  wire::encode_request(request, question);
  std::string answer;
  monitor_.watch().answer(question, machine_.clocks(), answer);
  auto reply = wire::decode_reply<AlertsReply>(answer);
  require(std::holds_alternative<AlertsReply>(reply), "no answer to a question for alerts");
  return std::get<AlertsReply>(std::move(reply));
}

void World::trace(const std::string& what) {
  if (trace_ != nullptr) {
    *trace_ << timeline_.now().time_since_epoch().count() << " ms: " << what << '\n';
  }
}

void World::arrives(const SharedMessage& message) { truth_.arrives(message, timeline_.now()); }

void World::reads(const SharedMessage& message, Instant at, const daemon::Watch& watch) {
  ++happened_.events;
  trace("reads: " + message->shown());
  truth_.reads(message, at, watch.fleet());
}

void World::judged(Instant at, bool drained, const daemon::Watch& watch) {
  if (!drained) {
    truth_.leaves_unread(at);
  }
  const daemon::AlertLog& log = watch.alerts();
  if (std::exchange(judged_epoch_, log.epoch()) != log.epoch()) {
    judged_seq_ = log.published_seq();  // a new epoch's first alerts are the old one's last
  }
  log.each_unpublished([&](const daemon::AlertLog::Entry& entry) {
    if (entry.alert.seq > judged_seq_) {
      trace("judges: " + entry.alert.kind + " " + entry.alert.id + " " + entry.alert.agent_id +
            "/" + entry.alert.run_id + " " + entry.alert.reason);
      truth_.says(entry.alert, at);
      judged_at_.push_back(timeline_.now());
    }
  });
  judged_seq_ = log.last_seq();
  truth_.turn_over(at);
  const core::Limits& limits = plan_.options.limits;
  require(watch.fleet().runs_in_flight() <= runs_most_, "more runs than runs_max");
  runs_most_ = std::max(limits.runs_max, watch.fleet().runs_in_flight());
  require(watch.fleet().tombstones() <= limits.runs_max, "more tombstones than runs_max");
  require(log.kept() <= plan_.options.alerts_kept, "more alerts than alerts_kept");
}

void World::publishes(const daemon::AlertLog::Entry& entry) {
  ++happened_.alerts;
  Alert alert;
  require(!wire::decode_message(entry.payload, alert), "an alert cannot be read");
  trace("publishes: #" + std::to_string(alert.seq) + " of " + alert.epoch + " " + alert.kind + " " +
        alert.id + " " + alert.agent_id + "/" + alert.run_id + (alert.replayed ? " again" : ""));
  ledger_.publishes(alert);
  const Instant judged = judged_at_.front();
  judged_at_.pop_front();
  // For a commit that was under way, and for its own.
  require(timeline_.now() - judged <=
              2 * (plan_.options.store_wait_max_ms + publishing_max) + stopped_since(judged),
          "alert " + std::to_string(alert.seq) + " waited since " +
              std::to_string(judged.time_since_epoch().count()) + " ms");
  require(alert.lost_events == 0 || !plan_.network_is_perfect(),
          "alert " + std::to_string(alert.seq) + " tells of lost events, and none were");
  timeline_.after(Duration{1}, [this, alert] { consumer_.hears(alert); });
}

void World::beats(const Beat& beat) {
  timeline_.after(Duration{1}, [this, beat] { consumer_.hears(beat); });
}

const daemon::Options& World::rereads(Instant at) {
  core::Limits& limits = plan_.options.limits;
  const Duration before = limits.stale_threshold_ms;
  draw_limits(chance_, limits);
  trace("reloads: stale after " + std::to_string(limits.stale_threshold_ms.count()) + " ms, not " +
        std::to_string(before.count()));
  truth_.reloads(before, at);
  return plan_.options;
}

void World::stops(Instant from, Instant to) {
  ++happened_.pauses;
  trace("stops for " + std::to_string((to - from).count()) + " ms");
  stops_.emplace_back(from, to);
  truth_.stops(from, to);
}

}  // namespace heartbeat::simulation
