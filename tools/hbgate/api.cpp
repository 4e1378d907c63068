#include "api.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <ctime>
#include <utility>

#include "client/printable.hpp"
#include "page.hpp"
#include "store/state_file.hpp"
#include "telling/history.hpp"
#include "telling/json.hpp"
#include "telling/why.hpp"

namespace heartbeat::hbgate {

namespace {

using telling::success;
using telling::to_json;

const std::vector<std::string> states{"running", "idle", "stale"};

WallTime wall_now() { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }

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

// The rows are those of the API before this one, to the key.
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
          {"timestamp", timestamp(wall_now())}};
}

template <class Reply>
Response reply_or_why(const Answer<Reply>& answer) {
  const auto* reply = std::get_if<Reply>(&answer);
  return reply != nullptr ? respond(success(*reply)) : no_reply(answer);
}

// A media type is the same in whatever case, and has parameters behind a `;`.
bool is_json(std::string_view content_type) {
  constexpr std::string_view json = "application/json";
  std::string_view type = content_type.substr(0, content_type.find(';'));
  type = type.substr(0, type.find_last_not_of(" \t") + 1);
  return std::equal(type.begin(), type.end(), json.begin(), json.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
  });
}

Json told(const RunDetail& run) {
  Json json = to_json(run);
  json["why"] = to_json(telling::why(run));
  return json;
}

bool matches(const Api::Route& route, const std::vector<std::string>& path) {
  return std::equal(route.path.begin(), route.path.end(), path.begin(), path.end(),
                    [](std::string_view expected, const std::string& segment) {
                      return expected == "*" ? !segment.empty() : expected == segment;
                    });
}

}  // namespace

Api::Api(Monitor& monitor, Lister& lister, EventDesk& desk, const AlertRing& alerts,
         const OwnCounters& own, std::optional<std::string> state)
    : monitor_(monitor),
      lister_(lister),
      desk_(desk),
      alerts_(alerts),
      own_(own),
      state_(std::move(state)) {}

const std::vector<Api::Route>& Api::routes() {
  static const std::vector<Route> all = [] {
    const std::vector<std::string_view> get{"GET"};
    const std::vector<std::string_view> post{"POST"};
    const std::vector<std::string_view> both{"GET", "POST"};
    std::vector<Route> table{
        {get, {"healthz"}, Right::none, &Api::healthz},
        {get, {"readyz"}, Right::none, &Api::readyz},
        {get, {"metrics"}, Right::read, &Api::metrics},
        {get, {"api", "heartbeat", "status"}, Right::read, &Api::status},
        {get, {"api", "heartbeat", "agents"}, Right::read, &Api::agents},
        {get, {"api", "heartbeat", "agents", "*"}, Right::read, &Api::agent},
        {get, {"api", "heartbeat", "ranking"}, Right::read, &Api::ranking},
        {get, {"api", "heartbeat", "alerts"}, Right::read, &Api::alerts},
        {get, {"api", "heartbeat", "history"}, Right::read, &Api::history},
        {get, {"api", "heartbeat", "counters"}, Right::read, &Api::counters},
        {get, {"api", "heartbeat", "stream"}, Right::read, nullptr},
        {post, {"api", "heartbeat", "events"}, Right::write, &Api::events},
        {both, {"ping", "*"}, Right::write, &Api::ping},
        {both, {"ping", "*", "start"}, Right::write, &Api::ping},
        {both, {"ping", "*", "done"}, Right::write, &Api::ping},
        {both, {"ping", "*", "fail"}, Right::write, &Api::ping},
        {get, {""}, Right::none, &Api::page},
    };
    for (const PageFile& file : page_files()) {
      table.push_back({get, {file.name}, Right::none, &Api::page});
    }
    return table;
  }();
  return all;
}

const Api::Route& Api::route(std::string_view method, const Target& target) {
  const Route* same_path = nullptr;
  for (const Route& route : routes()) {
    if (!matches(route, target.path)) {
      continue;
    }
    same_path = &route;
    const auto& methods = route.methods;
    if (std::find(methods.begin(), methods.end(), method == "HEAD" ? "GET" : method) !=
        methods.end()) {
      return route;
    }
  }
  if (same_path == nullptr) {
    throw Refusal(refuse(404, "no_such_path", "there is nothing at this path; see /"));
  }
  std::string allowed;
  for (const std::string_view each : same_path->methods) {
    allowed.append(allowed.empty() ? "" : ", ").append(each);
  }
  Response response = refuse(405, "method_not_allowed", "expected " + allowed);
  response.headers.emplace_back("Allow", allowed);
  throw Refusal(std::move(response));
}

Api::Answered Api::answer(const Route& route, const Request& request) {
  Parameters parameters(request.target);
  co_return co_await (this->*route.answer)(request, parameters);
}

Api::Answered Api::page(const Request& request, Parameters&) {
  const std::string& path = request.target.path.front();
  const std::string_view name = path.empty() ? "index.html" : std::string_view(path);
  const auto files = page_files();
  const auto file = std::find_if(files.begin(), files.end(),
                                 [name](const PageFile& each) { return each.name == name; });
  Response response;
  response.headers.emplace_back("ETag", file->etag);
  response.headers.emplace_back("Cache-Control", "no-cache");
  if (request.if_none_match == file->etag) {
    response.status = 304;
  } else {
    response.content_type = file->content_type;
    response.body = file->bytes;
  }
  co_return response;
}

Api::Answered Api::healthz(const Request&, Parameters& parameters) {
  parameters.done();
  co_return respond({{"success", true}});
}

Api::Answered Api::readyz(const Request&, Parameters& parameters) {
  parameters.done();
  const PingRequest question;
  const auto answer = co_await monitor_.ask(question);
  co_return std::holds_alternative<PingReply>(answer) ? respond({{"success", true}})
                                                      : no_reply(answer);
}

Api::Answered Api::metrics(const Request&, Parameters& parameters) {
  parameters.done();
  const PingRequest who;
  const CountersRequest counts;
  const auto ping = co_await monitor_.ask(who);
  std::optional<MonitorCounters> monitor;
  if (const auto* about = std::get_if<PingReply>(&ping)) {
    const auto answer = co_await monitor_.ask(counts);
    if (const auto* reply = std::get_if<CountersReply>(&answer)) {
      monitor = MonitorCounters{about->version, reply->counters};
    }
  }
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics_text(monitor, own_);
  co_return response;
}

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
    return respond({{"success", true},
                    {"total", ranked.total},
                    {"listed", listing.rows.size()},
                    {"truncated", listing.truncated},
                    {"listed_at", to_json(listing.listed_at)},
                    {"age_ms", std::max((wall_now() - listing.listed_at).count(), Duration::rep{})},
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

Api::Answered Api::events(const Request& request, Parameters& parameters) {
  parameters.done();
  const std::string& type = request.content_type;
  if (!is_json(type)) {
    co_return refuse(415, "unsupported_media_type",
                     "Content-Type: got '" + type + "', expected application/json");
  }
  const EventBody body(request.body);
  co_return co_await publish(body);
}

Api::Answered Api::ping(const Request& request, Parameters& parameters) {
  const auto& path = request.target.path;
  const std::string_view verb = path.size() > 2 ? std::string_view(path[2]) : "";
  EventBody::Body event = {{"agent_id", path[1]}};
  if (verb.empty()) {
    event["kind"] = name(EventKind::activity);
  } else if (verb == "start") {
    event["kind"] = name(EventKind::register_);
  } else {
    event["kind"] = name(EventKind::unregister);
    event["outcome"] = verb == "fail" ? "failed" : verb;
  }
  if (!request.body.empty()) {
    event["detail"] = client::printable(request.body);  // any bytes: a job's last words
  }
  const EventBody body(std::move(event), parameters);
  parameters.done();
  Response response = co_await publish(body);
  if (response.status == 202 && verb.empty()) {
    const Event& sent = body.events().front();
    const AgentRequest question{std::string(sent.agent_id), std::string(sent.run_id)};
    auto refusal = co_await refusal_of_end(question);
    if (refusal) {
      co_return *std::move(refusal);
    }
  }
  co_return response;
}

// A job that goes on after its run was taken out of flight would ping for ever and not be watched.
boost::asio::awaitable<std::optional<Response>> Api::refusal_of_end(const AgentRequest& question) {
  const auto answer = co_await monitor_.ask(question);
  const auto* error = std::get_if<Error>(&answer);
  if (error == nullptr || !error->ended_by) {
    co_return std::nullopt;
  }
  Response response = no_reply(answer);
  Json json = Json::parse(response.body);
  json["error"]["code"] = "ended";
  json["error"]["message"] =
      error->message + "; a ping revives no run that ended: begin another with /start";
  co_return respond(json, 409);
}

Api::Answered Api::publish(const EventBody& body) {
  if (!body.rejected().empty()) {
    Json rejected = Json::array();
    for (const Rejected& each : body.rejected()) {
      rejected.push_back(
          {{"index", each.index}, {"reason", name(each.reason)}, {"message", each.message}});
    }
    const Rejected& first = body.rejected().front();
    co_return respond(
        {{"success", false},
         {"error",
          {{"code", "rejected"},
           {"message", std::to_string(rejected.size()) + " of " +
                           std::to_string(body.events().size()) +
                           " events cannot be accepted, and none was sent; the first: " +
                           std::string(name(first.reason)) + ", " + first.message}}},
         {"rejected", std::move(rejected)}},
        422);
  }
  const auto published = co_await desk_.publish(body.events());
  if (const auto* silent = std::get_if<Unreachable>(&published)) {
    co_return refuse(503, "monitor_silent", "the monitor does not answer: " + silent->why);
  }
  const auto& handled = std::get<Handled>(published);
  if (handled.rejected > 0) {
    const std::string reason =
        handled.reason.empty() ? "the monitor does not say why" : handled.reason;
    co_return respond(
        {{"success", false},
         {"error",
          {{"code", "rejected"},
           {"message", "the monitor rejected " + std::to_string(handled.rejected) + " of " +
                           std::to_string(handled.read) + " events: " + reason}}},
         {"rejected", Json::array()}},
        422);
  }
  co_return respond({{"success", true}, {"read", handled.read}}, 202);
}

}  // namespace heartbeat::hbgate
