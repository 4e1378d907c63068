// State files for tests: a folder that goes again, records with every field set, and one batch at a
// time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "store/state_file.hpp"

namespace heartbeat::store {

inline constexpr Duration patience{30'000};  // whatever takes longer is broken

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "heartbeat-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("no folder can be made");
    }
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name = "state") const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline constexpr Instant at(std::int64_t ms) { return Instant{Duration{ms}}; }
inline constexpr WallTime wall_at(std::int64_t ms) { return WallTime{Duration{ms}}; }

// The clocks `ms` after some moment.
inline constexpr Clocks clocks_at(std::int64_t ms) {
  return {at(50'000 + ms), wall_at(1'700'000'000'000 + ms)};
}

inline RunRecord run_at(std::uint32_t slot, std::uint64_t order, std::int64_t last_activity_ms) {
  RunRecord run;
  run.slot = slot;
  run.state = "running";
  run.agent_id = "agent-" + std::to_string(slot);
  run.order = order;
  run.started = at(0);
  run.last_activity = at(last_activity_ms);
  return run;
}

inline SourceRecord source_at(std::uint32_t slot, const std::string& name) {
  SourceRecord source;
  source.slot = slot;
  source.name = name;
  return source;
}

inline AlertRecord alert_of(const std::string& epoch, std::uint64_t seq,
                            WallTime raised_at = wall_at(1'700'000'000'000)) {
  AlertRecord alert;
  alert.epoch = epoch;
  alert.seq = seq;
  alert.raised_at = raised_at;
  alert.severity = "warning";
  alert.kind = "stale";
  alert.agent_id = "agent-" + std::to_string(seq);
  alert.id = epoch + "-" + std::to_string(seq);
  alert.message = "Stale agent detected: agent-" + std::to_string(seq) + " idle for 301s";
  alert.payload = std::string("\x81\xa1v\x01\x00", 5);
  return alert;
}

// Opens, loads, and writes one batch after the other.
class Monitor {
 public:
  explicit Monitor(const std::string& path, Clocks now = clocks_at(0),
                   std::size_t alerts_kept = 1'000, int history_days = 30,
                   const std::string& boot = "boot-1")
      : clocks(now), file_(path, now, alerts_kept, history_days, boot), state(file_.load()) {
    if (state) {
      next.globals = state->globals;
    } else {
      next.globals.epoch = "e1";
    }
  }

  // Hands over what `next` holds, which keeps the globals only. Returns why it is not in the file.
  std::optional<std::string> write() {
    auto batch = std::make_unique<Batch>(std::move(next));
    next = Batch{};
    next.globals = batch->globals;
    file_.write(std::move(batch), clocks);
    const auto written = file_.wait_written(patience);
    if (!written) {
      throw std::runtime_error("a batch was not written in time");
    }
    return written->error;
  }

  void add_alert() {
    next.alerts.push_back(alert_of("e1", ++next.globals.alert_seq, clocks.wall_now));
  }

  StateFile& file() { return file_; }

  Clocks clocks;

 private:
  StateFile file_;

 public:
  const std::optional<State> state;
  Batch next;
};

// What a monitor that starts with the file finds.
inline State loaded(const std::string& path, Clocks now = clocks_at(0),
                    const std::string& boot = "boot-1") {
  Monitor monitor(path, now, 1'000, 30, boot);
  if (!monitor.state) {
    throw std::runtime_error("the file is new");
  }
  return *monitor.state;
}

}  // namespace heartbeat::store
