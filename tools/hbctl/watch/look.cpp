#include "watch/look.hpp"

#include <time.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "last_alert.hpp"
#include "output.hpp"
#include "table.hpp"
#include "telling/run_state.hpp"

namespace heartbeat::hbctl::watch {

namespace {

// `timestamp` of a status reply.
std::optional<WallTime> time_from(const std::string& iso_8601) {
  std::tm date{};
  if (strptime(iso_8601.c_str(), "%Y-%m-%dT%H:%M:%S", &date) == nullptr) {
    return std::nullopt;
  }
  return WallTime{std::chrono::seconds{timegm(&date)}};
}

class Questions {
 public:
  Questions(StatusClient& client, const Wish& wish, const std::function<bool()>& go_on)
      : client_(client), go_on_(go_on) {
    snapshot_.wish = wish;
  }

  // Each returns whether to go on: false = there is trouble(), or nobody wants the rest.
  bool ask_status();
  bool ask_runs();
  bool ask_open_run();
  bool ask_last_alert(const std::optional<Alert>& known);

  const std::string& trouble() const { return trouble_; }
  Snapshot& snapshot() { return snapshot_; }

 private:
  // The reply, or nullptr and trouble.
  template <class Reply>
  Reply* reply_of(Answer<Reply>& answer);
  bool ask_pages(std::optional<std::string> state, bool& complete);
  void merge(std::vector<RunRow>&& stale);

  StatusClient& client_;
  const std::function<bool()>& go_on_;
  Snapshot snapshot_;
  std::string trouble_;
};

template <class Reply>
Reply* Questions::reply_of(Answer<Reply>& answer) {
  if (const auto* error = std::get_if<Error>(&answer)) {
    trouble_ = "the monitor refuses: " + text_of(*error);
  } else if (const auto* unreachable = std::get_if<Unreachable>(&answer)) {
    trouble_ = unreachable->why;
  }
  return std::get_if<Reply>(&answer);
}

bool Questions::ask_status() {
  const bool lists_runs = snapshot_.wish.all();
  auto answer = client_.ask(StatusRequest{lists_runs ? runs_max : 1});
  auto* reply = reply_of(answer);
  if (reply == nullptr) {
    return false;
  }
  snapshot_.health = std::move(reply->health);
  snapshot_.counts = reply->counts;
  snapshot_.told_at = time_from(reply->timestamp);
  if (lists_runs) {
    snapshot_.runs = std::move(reply->in_flight_agents);
    snapshot_.complete = snapshot_.runs.size() >= reply->monitor.agents_monitoring;
  }
  return true;
}

// Adds runs that match until there are enough. Leaves `complete` false if there may be more.
bool Questions::ask_pages(std::optional<std::string> state, bool& complete) {
  AgentsRequest request;
  request.status = std::move(state);
  if (!snapshot_.wish.agent.empty()) {
    request.agent = snapshot_.wish.agent;
  }
  std::vector<RunRow>& runs = snapshot_.runs;
  do {
    if (!go_on_()) {
      return false;
    }
    request.limit = runs_max - runs.size();
    auto answer = client_.ask(request);
    auto* page = reply_of(answer);
    if (page == nullptr) {
      return false;
    }
    std::move(page->agents.begin(), page->agents.end(), std::back_inserter(runs));
    request.after = page->next;
    complete = !page->next;
  } while (!complete && runs.size() < runs_max);
  return true;
}

// Puts these before the others, each run once.
void Questions::merge(std::vector<RunRow>&& stale) {
  std::vector<RunRow> others = std::exchange(snapshot_.runs, std::move(stale));
  std::vector<RunRow>& runs = snapshot_.runs;
  std::set<std::pair<std::string_view, std::string_view>> first;
  for (const RunRow& run : runs) {
    first.emplace(run.agent_id, run.run_id);
  }
  std::erase_if(others, [&first](const RunRow& run) {
    return run.stale || first.contains({run.agent_id, run.run_id});
  });
  others.resize(std::min(others.size(), runs_max - std::min<std::size_t>(runs_max, runs.size())));
  std::move(others.begin(), others.end(), std::back_inserter(runs));
}

bool Questions::ask_runs() {
  const StateFilter state = snapshot_.wish.state;
  if (!snapshot_.wish.all()) {
    const auto status =
        state == StateFilter::all ? std::nullopt : std::optional{std::string(name(state))};
    if (!ask_pages(status, snapshot_.complete)) {
      return false;
    }
    // The listing has no order: of many, the stale ones may be the last.
    if (!snapshot_.complete && state != StateFilter::stale) {
      std::vector<RunRow> found = std::exchange(snapshot_.runs, {});
      bool all_stale = true;
      if (!ask_pages("stale", all_stale)) {
        return false;
      }
      std::vector<RunRow> stale = std::exchange(snapshot_.runs, std::move(found));
      if (state != StateFilter::all) {
        std::erase_if(stale, [&](const RunRow& run) { return run.status != name(state); });
      }
      merge(std::move(stale));
    }
  }
  std::sort(snapshot_.runs.begin(), snapshot_.runs.end(), more_urgent);
  return true;
}

bool Questions::ask_open_run() {
  if (!snapshot_.wish.open) {
    return true;
  }
  auto answer =
      client_.ask(AgentRequest{snapshot_.wish.open->agent_id, snapshot_.wish.open->run_id});
  OpenRun& open = snapshot_.open.emplace();
  if (auto* error = std::get_if<Error>(&answer); error != nullptr && error->code == "not_found") {
    open.gone = std::move(*error);
    return true;
  }
  auto* reply = reply_of(answer);
  if (reply != nullptr && !reply->runs.empty()) {
    open.run = std::move(reply->runs.front());
  }
  return reply != nullptr;
}

bool Questions::ask_last_alert(const std::optional<Alert>& known) {
  auto answer = last_alert(client_, known);
  auto* alert = reply_of(answer);
  if (alert != nullptr) {
    snapshot_.last_alert = std::move(*alert);
  }
  return alert != nullptr;
}

}  // namespace

std::optional<std::variant<Snapshot, std::string>> look(StatusClient& client, const Wish& wish,
                                                        const std::optional<Alert>& known,
                                                        const std::function<bool()>& go_on) {
  Questions questions(client, wish, go_on);
  if (questions.ask_status() && questions.ask_runs() && questions.ask_open_run() &&
      questions.ask_last_alert(known)) {
    return std::move(questions.snapshot());
  }
  if (questions.trouble().empty()) {
    return std::nullopt;
  }
  return questions.trouble();
}

}  // namespace heartbeat::hbctl::watch
