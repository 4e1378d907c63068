#include "api.hpp"

#include <algorithm>
#include <utility>

#include "page.hpp"

namespace heartbeat::hbgate {

namespace {

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
        {get, {"healthz"}, Right::none, no_body, &Api::healthz},
        {get, {"readyz"}, Right::none, no_body, &Api::readyz},
        {get, {"metrics"}, Right::read, no_body, &Api::metrics},
        {get, {"api", "heartbeat", "status"}, Right::read, no_body, &Api::status},
        {get, {"api", "heartbeat", "agents"}, Right::read, no_body, &Api::agents},
        {get, {"api", "heartbeat", "agents", "*"}, Right::read, no_body, &Api::agent},
        {get, {"api", "heartbeat", "ranking"}, Right::read, no_body, &Api::ranking},
        {get, {"api", "heartbeat", "alerts"}, Right::read, no_body, &Api::alerts},
        {get, {"api", "heartbeat", "history"}, Right::read, no_body, &Api::history},
        {get, {"api", "heartbeat", "counters"}, Right::read, no_body, &Api::counters},
        {get, {"api", "heartbeat", "stream"}, Right::read, no_body, nullptr},
        {post, {"api", "heartbeat", "events"}, Right::write, events_body, &Api::events},
        {both, {"ping", "*"}, Right::write, detail_body, &Api::ping},
        {both, {"ping", "*", "start"}, Right::write, detail_body, &Api::ping},
        {both, {"ping", "*", "done"}, Right::write, detail_body, &Api::ping},
        {both, {"ping", "*", "fail"}, Right::write, detail_body, &Api::ping},
        {get, {""}, Right::none, no_body, &Api::page},
    };
    for (const PageFile& file : page_files()) {
      table.push_back({get, {file.name}, Right::none, no_body, &Api::page});
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
    // A HEAD is asked by whoever only looks, so it reports nothing.
    const bool looks = method == "HEAD" && route.right != Right::write;
    if (std::find(methods.begin(), methods.end(), looks ? "GET" : method) != methods.end()) {
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
  response.content_type = file->content_type;
  if (request.if_none_match.find(file->etag) != std::string::npos) {  // of a list, or a weak one
    response.status = 304;
  } else {
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

}  // namespace heartbeat::hbgate
