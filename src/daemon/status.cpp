#include "daemon/status.hpp"

#include <charconv>
#include <cstdio>
#include <unordered_set>
#include <utility>

#include "daemon/counters.hpp"
#include "daemon/glob.hpp"
#include "wire/decode.hpp"
#include "wire/encode.hpp"

namespace heartbeat::daemon {
namespace {

constexpr std::size_t quoted_bytes_max = 64;  // of what was asked, in an error

constexpr std::size_t look_max = 20'000;  // records that one request looks at
constexpr std::size_t glob_steps_max = 1'000'000;
// A reply holds up the loop while it is built, and memory while its client does not read it.
constexpr std::size_t reply_bytes_max = 1024 * 1024;

bool refuse(std::string code, std::string message, std::string& reply) {
  Error error;
  error.code = std::move(code);
  error.message = std::move(message);
  wire::encode_error(error, reply);
  return false;
}

template <class Reply>
bool accept(const Reply& answer, std::string& reply) {
  wire::encode_reply(answer, reply);
  return true;
}

std::string iso_8601(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::array<char, 64> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

// Which runs a page of `agents` lists.
enum class Filter : std::uint8_t { all, running, idle, stale };

std::optional<Filter> filter_from(const std::optional<std::string>& status) {
  if (!status) return Filter::all;
  if (*status == "running") return Filter::running;
  if (*status == "idle") return Filter::idle;
  if (*status == "stale") return Filter::stale;
  return std::nullopt;
}

// About as much as it takes in a reply.
std::size_t bytes_of(const RunRow& row) {
  constexpr std::size_t keys_and_numbers = 300;
  return keys_and_numbers + row.agent_id.size() + row.run_id.size() + row.task_id.size() +
         row.agent_type.size() + row.phase.size() + row.detail.size();
}

std::size_t bytes_of(const RunDetail& detail) {
  constexpr std::size_t more_keys_and_numbers = 600;
  return more_keys_and_numbers + bytes_of(static_cast<const RunRow&>(detail));
}

bool passes(Filter filter, const core::Run& run) {
  switch (filter) {
    case Filter::all:
      return true;
    case Filter::running:
      return run.state == core::RunState::running;
    case Filter::idle:
      return run.state == core::RunState::idle;
    case Filter::stale:
      return run.stale;
  }
  return false;
}

// A cursor is the place in the fleet to go on from; clients treat it as opaque.
std::optional<core::Slot> place_from(const std::optional<std::string>& after) {
  if (!after) {
    return core::Slot{0};
  }
  core::Slot place = 0;
  const char* end = after->data() + after->size();
  const auto [stop, error] = std::from_chars(after->data(), end, place);
  return error == std::errc{} && stop == end ? std::optional{place} : std::nullopt;
}

}  // namespace

std::string internal_error_reply() {
  std::string reply;
  refuse("internal", "the monitor failed to answer this request", reply);
  return reply;
}

bool StatusDesk::answer(std::optional<std::string_view> request, const Moment& moment,
                        std::string& reply) const {
  if (!request) {
    return refuse("malformed", "several frames; expected one", reply);
  }
  std::string cmd;
  if (auto problem = wire::decode_command(*request, cmd)) {
    return refuse(std::move(problem->code), std::move(problem->message), reply);
  }
  if (cmd == Message<PingRequest>::cmd) return answer_as<PingRequest>(*request, moment, reply);
  if (cmd == Message<StatusRequest>::cmd) return answer_as<StatusRequest>(*request, moment, reply);
  if (cmd == Message<AgentsRequest>::cmd) return answer_as<AgentsRequest>(*request, moment, reply);
  if (cmd == Message<AgentRequest>::cmd) return answer_as<AgentRequest>(*request, moment, reply);
  if (cmd == Message<AlertsRequest>::cmd) return answer_as<AlertsRequest>(*request, moment, reply);
  if (cmd == Message<CountersRequest>::cmd) {
    return answer_as<CountersRequest>(*request, moment, reply);
  }
  const bool quotable = cmd.size() <= quoted_bytes_max && wire::is_clean_text(cmd);
  return refuse("unknown_command",
                "cmd: got " + (quotable ? "'" + cmd + "'" : "an unprintable name") +
                    ", expected one of ping, status, agents, agent, alerts, counters",
                reply);
}

template <class Request>
bool StatusDesk::answer_as(std::string_view payload, const Moment& moment,
                           std::string& reply) const {
  Request request;
  if (auto problem = wire::decode_fields(payload, request)) {
    return refuse(std::move(problem->code), std::move(problem->message), reply);
  }
  return reply_to(request, moment, reply);
}

bool StatusDesk::reply_to(const PingRequest& request, const Moment& moment,
                          std::string& reply) const {
  PingReply answer;
  answer.epoch = alerts_.epoch();
  answer.uptime_ms = moment.now - health_.started;
  answer.version = HEARTBEAT_VERSION;
  if (request.source) {
    const auto counts = fleet_.source(*request.source);
    answer.source_seq = counts.seq;
    answer.source_rejected = counts.rejected;
    if (counts.rejected_last) {
      answer.source_rejected_reason = name(*counts.rejected_last);
    }
  }
  return accept(answer, reply);
}

bool StatusDesk::reply_to(const StatusRequest& request, const Moment& moment,
                          std::string& reply) const {
  StatusReply answer;
  const core::Limits& limits = fleet_.limits();
  std::unordered_set<std::string_view> seen;
  std::size_t bytes = 0;
  fleet_.urgent_first(request.limit, look_max, [&](const core::Run& run) {
    bytes += bytes_of(answer.in_flight_agents.emplace_back(row(fleet_, run, moment)));
    if (seen.insert(run.agent_id()).second) {
      answer.monitor.agents.emplace_back(run.agent_id());
    }
    return bytes < reply_bytes_max;
  });
  answer.monitor.agents_monitoring = fleet_.runs_in_flight();
  answer.monitor.agents_truncated = answer.in_flight_agents.size() < fleet_.runs_in_flight();
  answer.monitor.config = {limits.check_interval_ms, limits.stale_threshold_ms,
                           limits.timeout_threshold_ms, limits.stale_warning_only_once};
  answer.counts = {fleet_.runs_in_flight() - fleet_.runs_idle(), fleet_.runs_idle(),
                   fleet_.runs_stale()};
  answer.health.epoch = alerts_.epoch();
  answer.health.version = HEARTBEAT_VERSION;
  answer.health.uptime_ms = moment.now - health_.started;
  answer.health.last_check_age_ms = moment.now - health_.checked_to;
  answer.health.ingest_lag_ms = health_.ingest_lag_ms;
  answer.health.overloaded = health_.overloaded;
  answer.health.state_file = health_.state_file;
  answer.health.storm = alerts_.episode_id(fleet_.storm());
  answer.timestamp = iso_8601(moment.wall);
  return accept(answer, reply);
}

bool StatusDesk::reply_to(const AgentsRequest& request, const Moment& moment,
                          std::string& reply) const {
  const auto filter = filter_from(request.status);
  if (!filter) {
    return refuse("bad_argument",
                  "status: " + *request.status + "; expected running, idle or stale", reply);
  }
  const auto place = place_from(request.after);
  if (!place) {
    return refuse("bad_argument",
                  "after: " + *request.after + "; expected the `next` of an earlier reply", reply);
  }
  AgentsReply answer;
  std::size_t bytes = 0;
  auto glob = request.agent ? std::optional<Glob>{*request.agent} : std::nullopt;
  const auto next = fleet_.scan(*place, look_max, [&](const core::Run& run) {
    if (passes(*filter, run) && (!glob || glob->matches(run.agent_id()))) {
      bytes += bytes_of(answer.agents.emplace_back(row(fleet_, run, moment)));
    }
    return answer.agents.size() < request.limit && bytes < reply_bytes_max &&
           (!glob || glob->steps() < glob_steps_max);
  });
  if (next) {
    answer.next = std::to_string(*next);
  }
  return accept(answer, reply);
}

bool StatusDesk::reply_to(const AgentRequest& request, const Moment& moment,
                          std::string& reply) const {
  AgentReply answer;
  std::size_t bytes = 0;
  const auto add = [&](const core::Run& run) {
    if (bytes >= reply_bytes_max) {
      answer.runs_truncated = true;
      return false;
    }
    bytes += bytes_of(answer.runs.emplace_back(detail(fleet_, run, moment, alerts_)));
    return true;
  };
  if (!request.run_id) {
    fleet_.runs_of(request.agent_id, add);
  } else if (const core::Run* run = fleet_.find(request.agent_id, *request.run_id)) {
    add(*run);
  }
  if (answer.runs.empty()) {
    wire::encode_error(not_found(request, moment), reply);
    return false;
  }
  return accept(answer, reply);
}

Error StatusDesk::not_found(const AgentRequest& request, const Moment& moment) const {
  Error error;
  error.code = "not_found";
  error.message = "agent " + request.agent_id;
  if (request.run_id && !request.run_id->empty()) {
    error.message += ", run " + *request.run_id;
  }
  const core::Run* ended = fleet_.tombstone(request.agent_id, request.run_id, moment.now);
  if (ended == nullptr) {
    error.message += ": not in flight, and nothing is remembered of it";
    return error;
  }
  tell_end(fleet_, *ended, moment, error);
  error.message += ": ended at " + iso_8601(*error.ended_at) + " by " + *error.ended_by;
  return error;
}

bool StatusDesk::reply_to(const AlertsRequest& request, const Moment&, std::string& reply) const {
  return accept(alerts_.page(request.since_seq, request.epoch, request.limit, reply_bytes_max),
                reply);
}

bool StatusDesk::reply_to(const CountersRequest&, const Moment& moment, std::string& reply) const {
  return accept(CountersReply{list_counters(fleet_, alerts_, health_, moment.now)}, reply);
}

}  // namespace heartbeat::daemon
