// What is asked of the monitor.
#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <string>
#include <utility>

#include "api.hpp"
#include "bus/clock.hpp"
#include "store/state_file.hpp"
#include "telling/history.hpp"
#include "telling/json.hpp"
#include "telling/why.hpp"

namespace heartbeat::hbgate {

namespace {

using telling::success;
using telling::to_json;

const std::vector<std::string> states{"running", "idle", "stale"};

// ISO 8601, UTC, as the monitor writes it.
std::string timestamp(WallTime time) {
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%FT%T", &utc);
  const auto ms = std::to_string(1'000 + time.time_since_epoch().count() % 1'000).substr(1);
  return std::string(text.data(), size) + "." + ms + "Z";
}

// Exactly these keys: whoever reads them may rely on there being no others.
Json online(const StatusReply& reply) {
  Json monitor = to_json(reply.monitor);
  monitor.erase("agents_truncated");
  return {{"success", true},
          {"status", reply.status},
          {"monitor", std::move(monitor)},
          {"in_flight_agents", to_json(reply.in_flight_agents)},
          {"timestamp", reply.timestamp}};
}

Json offline(const std::string& why) {
  return {{"success", true},
          {"status", "offline"},
          {"message", "the monitor does not answer: " + why},
          {"monitor",
           {{"running", false},
            {"agents_monitoring", 0},
            {"agents", Json::array()},
            {"config", nullptr}}},
          {"in_flight_agents", Json::array()},
          {"timestamp", timestamp(bus::wall_now())}};
}

template <class Reply>
Response reply_or_why(const Answer<Reply>& answer) {
  const auto* reply = std::get_if<Reply>(&answer);
  return reply != nullptr ? respond(success(*reply)) : no_reply(answer);
}

Json told(const RunDetail& run) {
  Json json = to_json(run);
  json["why"] = to_json(telling::why(run));
  return json;
}

}  // namespace

Api::Answered Api::status(const Request&, Parameters& parameters) {
  StatusRequest question;
  question.limit = parameters.number("limit", limit_bounds).value_or(limit_default);
  parameters.done();
  const auto answer = co_await monitor_.ask(question);
  if (const auto* silent = std::get_if<Unreachable>(&answer)) {
    co_return respond(offline(silent->why));
  }
  const auto* reply = std::get_if<StatusReply>(&answer);
  co_return reply != nullptr ? respond(online(*reply)) : no_reply(answer);
}

Api::Answered Api::agents(const Request&, Parameters& parameters) {
  AgentsRequest question;
  question.limit = parameters.number("limit", limit_bounds).value_or(limit_default);
  question.after = parameters.text("after");
  question.status = parameters.word("status", states);
  question.agent = parameters.text("agent");
  parameters.done();
  co_return reply_or_why(co_await monitor_.ask(question));
}

Api::Answered Api::ranking(const Request&, Parameters& parameters) {
  constexpr Bounds rows{1, 1'000};
  Ranking by;
  by.search = parameters.text("search").value_or("");
  by.status = parameters.word("status", states);
  by.agent_type = parameters.text("agent_type");
  by.sort = parameters.word("sort", sort_columns()).value_or(by.sort);
  by.offset = parameters.number("offset").value_or(0);
  by.limit = parameters.number("limit", rows).value_or(by.limit);
  parameters.done();
  const auto answer = co_await lister_.listing();
  const auto* found = std::get_if<std::shared_ptr<const Listing>>(&answer);
  if (found == nullptr) {
    co_return no_reply(answer);
  }
  co_return co_await lister_.run([&listing = **found, &by] {
    const Ranked ranked = rank(listing, by);
    Json rows_json = Json::array();
    for (const RunRow* run : ranked.rows) {
      rows_json.push_back(to_json(*run));
    }
    return respond(
        {{"success", true},
         {"total", ranked.total},
         {"listed", listing.rows.size()},
         {"truncated", listing.truncated},
         {"listed_at", to_json(listing.listed_at)},
         {"age_ms", std::max((bus::wall_now() - listing.listed_at).count(), Duration::rep{})},
         {"agents", std::move(rows_json)}});
  });
}

Api::Answered Api::agent(const Request& request, Parameters& parameters) {
  constexpr std::size_t alerts_max = 50;
  AgentRequest question{request.target.path.back(), parameters.text("run_id")};
  parameters.done();
  const auto answer = co_await monitor_.ask(question);
  const auto* reply = std::get_if<AgentReply>(&answer);
  const Json alerts = to_json(alerts_.of_agent(question.agent_id, question.run_id, alerts_max));
  if (reply == nullptr) {
    Response response = no_reply(answer);
    if (response.status == 404) {
      Json json = Json::parse(response.body);
      json["alerts"] = alerts;
      response = respond(json, response.status);
    }
    co_return response;
  }
  Json runs = Json::array();
  for (const RunDetail& run : reply->runs) {
    runs.push_back(told(run));
  }
  co_return respond({{"success", true},
                     {"runs", std::move(runs)},
                     {"runs_truncated", reply->runs_truncated},
                     {"alerts", alerts}});
}

Api::Answered Api::alerts(const Request&, Parameters& parameters) {
  AlertsRequest question;
  question.since_seq = parameters.number("since_seq").value_or(0);
  question.epoch = parameters.text("epoch");
  question.limit = parameters.number("limit", limit_bounds).value_or(limit_default);
  parameters.done();
  co_return reply_or_why(co_await monitor_.ask(question));
}

Api::Answered Api::history(const Request&, Parameters& parameters) {
  store::HistoryQuery query;
  query.agent = parameters.text("agent");
  if (const auto since = parameters.number("since", {0, seq_max})) {
    query.since = WallTime{Duration{static_cast<Duration::rep>(*since)}};
  }
  query.limit = parameters.number("limit", limit_bounds).value_or(limit_default);
  parameters.done();
  if (!state_) {
    co_return refuse(404, "no_state_file", "this gateway was started without --state FILE");
  }
  co_return co_await disk_.run([this, &query] {
    Json alerts = Json::array();
    for (const store::AlertRecord& alert : store::history(*state_, query)) {
      alerts.push_back(telling::as_published(alert));
    }
    return respond({{"success", true}, {"alerts", std::move(alerts)}});
  });
}

Api::Answered Api::counters(const Request&, Parameters& parameters) {
  parameters.done();
  const CountersRequest question;
  co_return reply_or_why(co_await monitor_.ask(question));
}

}  // namespace heartbeat::hbgate
