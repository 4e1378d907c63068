// The process of a monitor: the real Watch in the loop of src/daemon/monitor.cpp, with simulated
// sockets, on a machine that can stop, kill and lose it.
#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "chance.hpp"
#include "daemon/watch.hpp"
#include "disk.hpp"
#include "machine.hpp"
#include "message.hpp"
#include "plan.hpp"
#include "timeline.hpp"

namespace heartbeat::simulation {

// Looks on. Instants are the world's: those at which the monitor read its clock.
class Onlooker {
 public:
  virtual ~Onlooker() = default;
  virtual void arrives(const SharedMessage& message) = 0;
  virtual void reads(const SharedMessage& message, Instant at, const daemon::Watch& watch) = 0;
  // `drained`: all that had come to it was read.
  virtual void judged(Instant at, bool drained, const daemon::Watch& watch) = 0;
  virtual void publishes(const daemon::AlertLog::Entry& entry) = 0;
  virtual void beats(const Beat& beat) = 0;
  virtual void stops(Instant from, Instant to) = 0;
  virtual void lags(Instant from, Duration lag) = 0;
  // The configuration as it is from here on.
  virtual const daemon::Options& rereads(Instant at) = 0;
};

class MonitorProcess {
 public:
  MonitorProcess(Timeline& timeline, Chance& chance, const Plan& plan, const Machine& machine,
                 Disk& disk, Onlooker& onlooker, std::shared_ptr<spdlog::logger> logger);

  bool runs() const { return watch_.has_value(); }
  // REQUIRES: it does.
  daemon::Watch& watch() { return *watch_; }

  // REQUIRES: it does not run.
  void start();
  // The disk has to be told as well. What had arrived and was not read is lost.
  void kill();
  // In order. False: it is stopped just now.
  bool end();
  // REQUIRES: it has run. Whether the last that ended or was killed told of alerts beside the file.
  bool left_file() const { return left_file_; }
  // It does not run for `pause`; `in_turn`: from the middle of its next turn on. Nothing happens
  // where it does not run, or is stopped or in the middle of a turn already.
  void stop(Duration pause, bool in_turn);

  void deliver(const SharedMessage& message);
  // Its next turn begins with reading the configuration.
  void reload() { reloads_ = true; }
  void wake() { turn_at(timeline_.now()); }
  // How far its input thread is behind, from here on.
  void set_lag(Duration lag) {
    lag_ = lag;
    onlooker_.lags(timeline_.now(), lag);
  }

 private:
  struct Arrival {
    SharedMessage message;  // nullptr: a probe
    std::uint64_t probe = 0;
  };
  void receive(Arrival arrival);
  void turn_at(Instant when);
  void begin_turn();
  void finish_turn(const store::Clocks& clocks, Instant at);
  bool drain(const store::Clocks& clocks, Instant at);
  void publish();
  void later(Duration delay, Timeline::Action action);

  Timeline& timeline_;
  Chance& chance_;
  const Plan& plan_;
  const Machine& machine_;
  Disk& disk_;
  Onlooker& onlooker_;
  std::shared_ptr<spdlog::logger> logger_;

  std::optional<daemon::Watch> watch_;
  bool left_file_ = false;
  int epochs_ = 0;
  std::uint64_t life_ = 0;  // what was arranged in an earlier one does not happen
  std::deque<Arrival> inbox_;
  Instant received_;  // nothing overtakes what is to be received before
  Duration lag_{};

  std::optional<Instant> next_turn_;
  std::uint64_t turns_arranged_ = 0;
  bool in_turn_ = false;
  bool reloads_ = false;
  Instant since_;
  Duration asked_{};
  std::chrono::nanoseconds worked_{};
  Instant stopped_until_;
  Duration stop_in_turn_{};
};

}  // namespace heartbeat::simulation
