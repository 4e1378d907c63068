// All that was published, over all lives of the monitor: no seq means two things or is left out, no
// id names two episodes, and each episode is told from its beginning to its end.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "heartbeat/alert.hpp"

namespace heartbeat::simulation {

class Ledger {
 public:
  // Throws Finding.
  void publishes(const Alert& alert);
  // The monitor has forgotten something that it published: what is open may be told of again.
  void forgotten();
  // At the end: what is open, is open at the monitor as well. Throws Finding.
  void all_closed_but(const std::map<std::string, std::string>& open) const;

  bool knows(const std::string& epoch) const { return epochs_.contains(epoch); }
  // What was published under this seq of this epoch; nullptr: nothing.
  const Alert* find(const std::string& epoch, std::uint64_t seq) const;

 private:
  struct Episode {
    std::string of;    // which run, or "fleet"
    std::string kind;  // of the alert that opened it
    bool open = false;
    bool forgotten = false;
  };
  void opens(const Alert& alert);
  void closes(const std::string& id, const Alert& alert);

  std::map<std::string, std::map<std::uint64_t, Alert>> epochs_;  // by seq
  std::map<std::string, Episode> episodes_;
};

}  // namespace heartbeat::simulation
