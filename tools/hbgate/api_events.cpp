// What agents report.
#include <algorithm>
#include <cctype>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "api.hpp"
#include "client/printable.hpp"
#include "event_body.hpp"

namespace heartbeat::hbgate {

namespace {

// A media type is the same in whatever case, and has parameters behind a `;`.
bool is_json(std::string_view content_type) {
  constexpr std::string_view json = "application/json";
  std::string_view type = content_type.substr(0, content_type.find(';'));
  type = type.substr(0, type.find_last_not_of(" \t") + 1);
  return std::equal(type.begin(), type.end(), json.begin(), json.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
  });
}

}  // namespace

Api::Answered Api::events(const Request& request, Parameters& parameters) {
  parameters.done();
  const std::string& type = request.content_type;
  if (!is_json(type)) {
    co_return refuse(415, "unsupported_media_type",
                     "Content-Type: got '" + type + "', expected application/json");
  }
  // A large one takes a while.
  const auto body =
      co_await parsing_.run([&request] { return std::make_unique<const EventBody>(request.body); });
  co_return co_await publish(*body);
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
    auto refusal = co_await refusal_of_unwatched(question);
    if (refusal) {
      co_return *std::move(refusal);
    }
  }
  co_return response;
}

// A job that goes on after its run was taken out of flight, or that never was in it, would ping for
// ever and not be watched.
boost::asio::awaitable<std::optional<Response>> Api::refusal_of_unwatched(
    const AgentRequest& question) {
  const auto answer = co_await monitor_.ask(question);
  const auto* error = std::get_if<Error>(&answer);
  if (error == nullptr || error->code != "not_found") {
    co_return std::nullopt;
  }
  if (!error->ended_by) {
    co_return refuse(409, "not_adopted",
                     error->message + "; the monitor adopts no unknown run: begin with /start");
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
