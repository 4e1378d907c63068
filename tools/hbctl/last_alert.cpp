#include "last_alert.hpp"

#include <limits>
#include <utility>

namespace heartbeat::hbctl {

namespace {

Answer<std::optional<Alert>> refusal(Answer<AlertsReply>&& answer) {
  if (auto* error = std::get_if<Error>(&answer)) {
    return std::move(*error);
  }
  return std::get<Unreachable>(std::move(answer));
}

}  // namespace

Answer<std::optional<Alert>> last_alert(StatusClient& client, const std::optional<Alert>& known) {
  // After the last one there is none: the reply only tells where it is.
  AlertsRequest request;
  request.since_seq = std::numeric_limits<std::uint64_t>::max();
  auto answer = client.ask(request);
  const auto* kept = std::get_if<AlertsReply>(&answer);
  if (kept == nullptr) {
    return refusal(std::move(answer));
  }
  if (kept->last_seq == 0) {
    return std::optional<Alert>{};
  }
  if (known && known->epoch == kept->epoch && known->seq == kept->last_seq) {
    return known;
  }
  request.since_seq = kept->last_seq - 1;
  answer = client.ask(request);
  auto* last = std::get_if<AlertsReply>(&answer);
  if (last == nullptr) {
    return refusal(std::move(answer));
  }
  return last->alerts.empty() ? std::optional<Alert>{} : std::move(last->alerts.back());
}

}  // namespace heartbeat::hbctl
