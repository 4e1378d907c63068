#include "daemon/alert_report.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace heartbeat::daemon {
namespace {

constexpr std::uint64_t lines_max = 10;  // a second
constexpr Duration second{1'000};

spdlog::level::level_enum level_of(const Alert& alert) {
  if (alert.severity == "error") return spdlog::level::err;
  return alert.severity == "warning" ? spdlog::level::warn : spdlog::level::info;
}

}  // namespace

AlertReport::AlertReport(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {}

void AlertReport::add(const Alert& alert, Instant now) {
  summarize(now);
  if (lines_ == 0) {
    second_begins_ = now;
  }
  const bool of_the_fleet = alert.agent_id.empty();  // it comes among many, and explains them
  if (lines_ < lines_max || of_the_fleet) {
    ++lines_;
    // A broken promise may be a short one: without its limit the line would look like a mistake.
    const bool limited = alert.threshold_ms != Duration{} && alert.kind != "resolved";
    logger_->log(level_of(alert), "{}{}{}{}{}", alert.replayed ? "perhaps told before: " : "",
                 alert.message, alert.run_id.empty() ? "" : ", run ", alert.run_id,
                 limited ? fmt::format(" (limit {}ms)", alert.threshold_ms.count()) : "");
  } else {
    ++left_out_;
  }
}

void AlertReport::summarize(Instant now) {
  if (lines_ != 0 && now - second_begins_ >= second) {
    finish();
  }
}

void AlertReport::finish() {
  if (left_out_ != 0) {
    logger_->warn("{} more alerts within a second were published and not logged", left_out_);
  }
  lines_ = 0;
  left_out_ = 0;
}

}  // namespace heartbeat::daemon
