// Returns when the monitor says that it has read the event: a shell script may rely on it.
#include <algorithm>
#include <stdexcept>

#include "client/event_publisher.hpp"
#include "client/reading.hpp"
#include "output.hpp"
#include "telling/duration.hpp"
#include "telling/json.hpp"

namespace heartbeat::hbctl {

namespace {

using Clock = std::chrono::steady_clock;

Event event_of(const EmitOptions& verb) {
  Event event;
  event.kind = verb.kind;
  event.agent_id = verb.agent_id;
  event.run_id = verb.run_id;
  event.task_id = verb.task_id;
  event.agent_type = verb.agent_type;
  event.phase = verb.phase;
  event.detail = verb.detail;
  event.outcome = verb.outcome;
  event.progress = verb.progress;
  event.stale_after_ms = verb.stale_after;
  event.timeout_after_ms = verb.timeout_after;
  event.running_for_ms = verb.running_for;
  event.idle_for_ms = verb.idle_for;
  return event;
}

Duration left_until(Clock::time_point until) {
  return std::max(Duration{1}, std::chrono::ceil<Duration>(until - Clock::now()));
}

// The event was read. Why it changed nothing, or nullopt if it did.
std::optional<Answer<AgentReply>> what_became(const Options& options, const EmitOptions& verb,
                                              const client::EventPublisher& publisher) {
  StatusClient status(options.endpoints.status, options.timeout);
  const auto answer = status.ask(AgentRequest{verb.agent_id, verb.run_id});
  if (const auto* error = std::get_if<Error>(&answer)) {
    const bool ended = error->ended_by.has_value();
    const bool meant = verb.kind == EventKind::unregister ||
                       (verb.kind == EventKind::register_ && error->ended_by == "timeout");
    return ended && meant ? std::nullopt : std::optional{answer};
  }
  const auto* reply = std::get_if<AgentReply>(&answer);
  if (reply == nullptr) {
    return answer;
  }
  const RunDetail& run = reply->runs.front();
  if (run.source == publisher.source() || run.zombie_events == 0) {
    return std::nullopt;  // or somebody else has spoken since
  }
  Error error;
  error.code = "ignored";
  error.message = "agent " + verb.agent_id + ": the event changed nothing, because by its " +
                  "--running-for it is of an earlier run of that name than the one in flight";
  return error;
}

}  // namespace

int run_emit(const Options& options, const EmitOptions& verb) {
  const auto until = Clock::now() + options.timeout;
  try {
    client::EventPublisher publisher(options.endpoints.events);
    if (!publisher.wait_for_monitor(left_until(until))) {
      return fail(options, Unreachable{"no subscription on " + options.endpoints.events +
                                       " within " + format_duration(options.timeout)});
    }
    const Event event = event_of(verb);
    if (!publisher.publish(event, left_until(until))) {
      return fail(options, Unreachable{options.endpoints.events + " takes no events"});
    }
    StatusClient status(options.endpoints.status, left_until(until));
    const auto answer = client::wait_until_read(status, publisher, until);
    const auto* reply = std::get_if<PingReply>(&answer);
    if (reply == nullptr) {
      return fail(options, answer);
    }
    if (reply->source_rejected.value_or(0) > 0) {
      Error error;
      error.code = "rejected";
      error.message =
          "the monitor rejected the event: hbctl counters shows why, as events_rejected_total";
      return fail(options, error);
    }
    if (const auto refusal = what_became(options, verb, publisher)) {
      return fail(options, *refusal);
    }
    if (options.json) {
      print_json({{"success", true}, {"source", publisher.source()}, {"seq", publisher.seq()}});
    }
    return exit_ok;
  } catch (const std::exception& error) {
    return fail(options, Unreachable{error.what()});
  }
}

}  // namespace heartbeat::hbctl
