// Answers questions on the status socket from the fleet and the kept alerts. Changes nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/fleet.hpp"
#include "daemon/alert_log.hpp"
#include "daemon/health.hpp"
#include "daemon/rows.hpp"
#include "heartbeat/status.hpp"

namespace heartbeat::daemon {

// The reply for a request whose answer failed.
std::string internal_error_reply();

class StatusDesk {
 public:
  // All three must outlive this.
  StatusDesk(const core::Fleet& fleet, const AlertLog& alerts, const Health& health)
      : fleet_(fleet), alerts_(alerts), health_(health) {}

  // Appends the reply to a request of one frame (nullopt: of several, which is malformed).
  // Returns whether it says `ok`.
  bool answer(std::optional<std::string_view> request, const Moment& moment,
              std::string& reply) const;

 private:
  template <class Request>
  bool answer_as(std::string_view payload, const Moment& moment, std::string& reply) const;

  bool reply_to(const PingRequest& request, const Moment& moment, std::string& reply) const;
  bool reply_to(const StatusRequest& request, const Moment& moment, std::string& reply) const;
  bool reply_to(const AgentsRequest& request, const Moment& moment, std::string& reply) const;
  bool reply_to(const AgentRequest& request, const Moment& moment, std::string& reply) const;
  bool reply_to(const AlertsRequest& request, const Moment& moment, std::string& reply) const;
  bool reply_to(const CountersRequest& request, const Moment& moment, std::string& reply) const;
  Error not_found(const AgentRequest& request, const Moment& moment) const;

  const core::Fleet& fleet_;
  const AlertLog& alerts_;
  const Health& health_;
};

}  // namespace heartbeat::daemon
