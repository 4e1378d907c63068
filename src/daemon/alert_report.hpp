// One log line for each alert, as long as there are few.
#pragma once

#include <spdlog/fwd.h>

#include <cstdint>
#include <memory>

#include "heartbeat/alert.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::daemon {

class AlertReport {
 public:
  explicit AlertReport(std::shared_ptr<spdlog::logger> logger);

  void add(const Alert& alert, Instant now);
  // Says how many lines were left out, once their second is over. Call it each turn.
  void summarize(Instant now);
  void finish();

 private:
  std::shared_ptr<spdlog::logger> logger_;
  Instant second_begins_;
  std::uint64_t lines_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace heartbeat::daemon
