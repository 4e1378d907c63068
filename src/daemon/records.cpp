#include "daemon/records.hpp"

#include <array>
#include <string>
#include <utility>

#include "wire/decode.hpp"

namespace heartbeat {

template <>
struct Names<core::RunState> {
  static constexpr std::array<std::pair<core::RunState, std::string_view>, 3> table{{
      {core::RunState::running, "running"},
      {core::RunState::idle, "idle"},
      {core::RunState::ended, "ended"},
  }};
};

template <>
struct Names<core::EndedBy> {
  static constexpr std::array<std::pair<core::EndedBy, std::string_view>, 2> table{{
      {core::EndedBy::unregister, "unregister"},
      {core::EndedBy::timeout, "timeout"},
  }};
};

namespace daemon {
namespace {

// These two list what a run and its record have in common under the same name.
template <class From, class To>
void copy_fields(const From& from, To& to) {
  to.adopted = from.adopted;
  to.stale = from.stale;
  to.warned = from.warned;
  to.started = from.started;
  to.last_activity = from.last_activity;
  to.paused_before_activity = from.paused_before_activity;
  to.order = from.order;
  to.progress = from.progress;
  to.sent_at = from.sent_at;
}

template <class From, class To>
void copy_rare_facts(const From& from, To& to) {
  to.paused_before_promise = from.paused_before_promise;
  to.promised_at = from.promised_at;
  to.promise = from.promise;
  to.timeout_after = from.timeout_after;
  to.stale_since = from.stale_since;
  to.opened = from.opened;
  to.last_warning = from.last_warning;
  to.episode = from.episode;
  to.rejected_events = from.rejected_events;
  to.zombie_events = from.zombie_events;
  to.ended_at = from.ended_at;
  to.last_zombie = from.last_zombie;
}

template <class From, class To>
void copy_source(const From& from, To& to) {
  to.name = from.name;
  to.highest = from.highest;
  to.window = from.window;
  to.base = from.base;
  to.missing = from.missing;
  to.rejected = from.rejected;
  to.incarnation = from.incarnation;
  to.heard = from.heard;
}

constexpr std::array<std::pair<core::Text, std::string store::RunRecord::*>, core::text_count>
    texts{{
        {core::Text::agent_id, &store::RunRecord::agent_id},
        {core::Text::run_id, &store::RunRecord::run_id},
        {core::Text::task_id, &store::RunRecord::task_id},
        {core::Text::agent_type, &store::RunRecord::agent_type},
        {core::Text::phase, &store::RunRecord::phase},
        {core::Text::detail, &store::RunRecord::detail},
        {core::Text::outcome, &store::RunRecord::outcome},
    }};

}  // namespace

store::RunRecord record_of(core::Slot slot, const core::Run& run) {
  store::RunRecord record;
  copy_fields(run, record);
  copy_rare_facts(run.rare(), record);
  record.last_event = {run.last_register_event, run.last_activity_event,
                       run.rare().last_idle_event};
  record.slot = slot;
  record.state = name(run.state);
  if (run.state == core::RunState::ended) {
    record.ended_by = name(run.ended_by);
  }
  for (const auto& [text, member] : texts) {
    record.*member = run.texts.get(text);
  }
  record.source_slot = run.source.slot;
  record.source_incarnation = run.source.incarnation;
  record.source_seq = run.source.seq;
  record.source_missing = run.source.missing;
  return record;
}

store::SourceRecord record_of(core::Slot slot, const core::Source& source) {
  store::SourceRecord record;
  copy_source(source, record);
  record.slot = slot;
  return record;
}

store::AlertRecord record_of(const AlertLog::Entry& entry) {
  const Alert& alert = entry.alert;
  return {alert.epoch,    alert.seq,    alert.raised_at, alert.severity, alert.kind,
          alert.agent_id, alert.run_id, alert.id,        alert.message,  entry.payload};
}

core::Run run_of(const store::RunRecord& record) {
  core::Run run;
  copy_fields(record, run);
  core::RareFacts rare;
  copy_rare_facts(record, rare);
  run.last_register_event = record.last_event[0];
  run.last_activity_event = record.last_event[1];
  rare.last_idle_event = record.last_event[2];
  if (rare != core::RareFacts{}) {
    run.make_rare() = rare;
  }
  run.state = from_name<core::RunState>(record.state).value_or(core::RunState::ended);
  run.ended_by = from_name<core::EndedBy>(record.ended_by).value_or(core::EndedBy::unregister);
  for (const auto& [text, member] : texts) {
    run.texts.set(text, record.*member);
  }
  run.source = {record.source_slot, record.source_incarnation, record.source_seq,
                record.source_missing};
  return run;
}

core::Source source_of(const store::SourceRecord& record) {
  core::Source source;
  copy_source(record, source);
  return source;
}

std::optional<Alert> alert_of(const store::AlertRecord& record) {
  Alert alert;
  if (wire::decode_message(record.payload, alert) || alert.epoch != record.epoch ||
      alert.seq != record.seq || !from_name<core::TransitionKind>(alert.kind)) {
    return std::nullopt;
  }
  return alert;
}

}  // namespace daemon
}  // namespace heartbeat
