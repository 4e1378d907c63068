// An agent's life: runs one after the other, that work, hang, wait, end, crash. It sends what the
// client library sends, or, without a source, what a program of a few lines does.
#pragma once

#include <deque>
#include <functional>
#include <string>

#include "chance.hpp"
#include "message.hpp"
#include "plan.hpp"
#include "timeline.hpp"

namespace heartbeat::simulation {

class Agent {
 public:
  using Send = std::function<void(const SharedMessage&)>;

  // `number`: names its runs, which nobody else has.
  Agent(Timeline& timeline, Chance& chance, const Plan& plan, std::string agent_id, int number,
        Send send);

  // The monitor has subscribed, again perhaps.
  void subscribed();
  // The machine stands still, and the agent on it.
  void stops_until(Instant when) { stopped_until_ = when; }
  // Nothing begins any more, and what goes on is regular.
  void settle() { settling_ = true; }

 private:
  enum class Mood { working, hanging, gone };
  struct Change {
    Instant at;
    Message message;
  };
  void live();
  void begin();
  void act();
  void end();
  Duration beat();
  Message event(EventKind kind) const;
  void tell(Message message, bool change);

  Timeline& timeline_;
  Chance& chance_;
  const Plan& plan_;
  const std::string agent_id_;
  const int number_;
  const bool by_library_;
  const bool names_runs_;
  Send send_;

  int processes_ = 0;
  int runs_ = 0;
  std::string source_;
  std::uint64_t change_seq_ = 0;
  std::uint64_t beat_seq_ = 0;
  std::deque<Change> changes_;  // of the last seconds

  Mood mood_ = Mood::gone;
  std::string run_id_;
  Instant started_;
  Instant active_;
  bool idle_ = false;
  Instant promised_until_;  // with a promise open
  bool settling_ = false;
  Instant stopped_until_;
};

}  // namespace heartbeat::simulation
