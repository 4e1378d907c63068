#include "ledger.hpp"

#include "finding.hpp"
#include "wire/encode.hpp"

namespace heartbeat::simulation {
namespace {

std::string shown(const Alert& alert) {
  return "alert " + std::to_string(alert.seq) + " of " + alert.epoch + " (" + alert.kind + " " +
         alert.id + " " + alert.agent_id + "/" + alert.run_id + ")";
}

std::string subject(const Alert& alert) {
  return alert.agent_id.empty() ? "fleet" : alert.agent_id + "/" + alert.run_id;
}

// Its bytes, but for whether it is said once more.
std::string content(Alert alert) {
  alert.replayed = false;
  std::string bytes;
  wire::encode(alert, bytes);
  return bytes;
}

}  // namespace

void Ledger::publishes(const Alert& alert) {
  auto& alerts = epochs_[alert.epoch];
  if (const auto before = alerts.find(alert.seq); before != alerts.end()) {
    require(content(before->second) == content(alert),
            shown(alert) + " was published before as " + shown(before->second));
    require(alert.replayed, shown(alert) + " is published again and does not say so");
    return;
  }
  require(alert.seq == (alerts.empty() ? 1 : alerts.rbegin()->first + 1),
          shown(alert) + " leaves a gap");
  alerts.emplace(alert.seq, alert);
  if (!alert.storm.empty()) {
    const auto storm = episodes_.find(alert.storm);
    require(
        storm != episodes_.end() && storm->second.kind == "storm" &&
            (storm->second.open || storm->second.forgotten),
        shown(alert) + " is of storm " + alert.storm + ", which nobody was told of, or is over");
  }
  if (alert.kind == "resolved") {
    closes(alert.id, alert);
  } else {
    opens(alert);
  }
}

void Ledger::opens(const Alert& alert) {
  if (alert.kind == "timeout" && !alert.supersedes.empty()) {
    closes(alert.supersedes, alert);
  }
  const auto [found, is_new] = episodes_.try_emplace(alert.id);
  Episode& episode = found->second;
  require(is_new || episode.of == subject(alert),
          shown(alert) + " has the id of an episode of " + episode.of);
  require(is_new || episode.open || episode.forgotten,
          shown(alert) + " is of an episode that was closed");
  episode.of = subject(alert);
  episode.kind = alert.kind;
  episode.open = alert.kind != "timeout";
}

void Ledger::closes(const std::string& id, const Alert& alert) {
  const auto found = episodes_.find(id);
  require(found != episodes_.end(), shown(alert) + " closes " + id + ", which was never opened");
  Episode& episode = found->second;
  require(episode.of == subject(alert),
          shown(alert) + " closes " + id + ", which is of " + episode.of);
  require(episode.open || episode.forgotten, shown(alert) + " closes " + id + " once more");
  episode.open = false;
}

void Ledger::forgotten() {
  for (auto& [id, episode] : episodes_) {
    episode.forgotten = true;
  }
}

void Ledger::all_closed_but(const std::map<std::string, std::string>& open) const {
  for (const auto& [id, episode] : episodes_) {
    require(!episode.open || episode.forgotten || open.contains(id),
            id + " of " + episode.of + " was never closed");
  }
  for (const auto& [id, of] : open) {
    const auto found = episodes_.find(id);
    require(found != episodes_.end() && (found->second.open || found->second.forgotten),
            id + " of " + of + " is open, and nobody was told");
  }
}

const Alert* Ledger::find(const std::string& epoch, std::uint64_t seq) const {
  const auto found = epochs_.find(epoch);
  if (found == epochs_.end()) {
    return nullptr;
  }
  const auto alert = found->second.find(seq);
  return alert == found->second.end() ? nullptr : &alert->second;
}

}  // namespace heartbeat::simulation
