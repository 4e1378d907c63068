// What both verbs do alike: asking the receiver, registering every run before a clock starts,
// waiting with a bar, and ending at once when told to.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "bus/signals.hpp"
#include "load.hpp"
#include "options.hpp"
#include "receiver.hpp"

namespace heartbeat::hbload {

using Json = nlohmann::ordered_json;

class Session {
 public:
  explicit Session(const LoadOptions& options);

  // Readable, and true, once this program is told to end.
  int stop_fd() const { return signals_.fd(); }
  bool interrupted() const;
  Receiver& receiver() { return receiver_; }

  // Connects the load, registers its runs, and waits until all were read: the counters then.
  // nullopt: it failed, and this was said; exit_code() is what it comes to.
  std::optional<Counts> register_all(Load& load, const Counts& before);
  // Waits until `done`, or until this program is told to end. `share` of it is shown.
  void watch(const std::string& what, const std::function<bool()>& done,
             const std::function<double()>& share) const;
  // Says why, as --json asks, unless this program was told to end. Returns the exit code.
  int fail(int code, const std::string& why);
  int exit_code() const { return exit_code_; }

 private:
  const LoadOptions options_;
  const bus::Signals signals_;  // before any thread
  Receiver receiver_;
  int exit_code_ = exit_ok;
};

// What the receiver did not take as it was sent, from one moment to another. nullopt = it does not
// count that.
struct Losses {
  Losses(const Counts& before, const Counts& after);
  bool none() const;
  void add_to(Json& report) const;
  std::string text() const;

  std::optional<std::uint64_t> lost, rejected, duplicate, zombie;
};

}  // namespace heartbeat::hbload
