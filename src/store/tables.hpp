// The tables of the state file, version 2. Instants in it are the file's own time, which goes on
// over boots: what one of them wrote the next need not write again.
#pragma once

#include <array>
#include <tuple>

#include "store/columns.hpp"
#include "store/records.hpp"

namespace heartbeat::store {

inline constexpr std::int64_t application_id = 0x48425354;  // HBST, as file(1) shows it
inline constexpr std::int64_t schema_version = 2;

// The globals, and when and by which boot the last batch was written.
struct Header {
  std::uint32_t id = 1;  // of the only row
  Globals globals;
  std::string episode_epochs;  // those of the globals, a line for each
  std::string boot;
  std::int64_t ahead_ms = 0;  // the file's time, of that boot's clock
  Instant written;
  WallTime written_at{};
  bool closed = false;  // the monitor ended in order, after the last batch had reached the disk
};

// A member of a member.
template <class Outer, class Inner>
struct Within {
  Outer outer;
  Inner inner;
  template <class Record>
  constexpr auto& operator()(Record& record) const {
    return record.*outer.*inner;
  }
};
template <class Outer, class Inner>
Within(Outer, Inner) -> Within<Outer, Inner>;

// One of an array that is a member.
template <class Member>
struct Element {
  Member member;
  std::size_t index;
  template <class Record>
  constexpr auto& operator()(Record& record) const {
    return (record.*member)[index];
  }
};
template <class Member>
Element(Member, std::size_t) -> Element<Member>;

template <>
struct Table<Header> {
  static constexpr std::string_view name = "globals";
  static constexpr std::string_view constraints = "PRIMARY KEY (id), CHECK (id = 1)) STRICT";
  static constexpr auto columns = std::tuple{
      Column{"id", &Header::id},
      Column{"epoch", Within{&Header::globals, &Globals::epoch}},
      Column{"alert_seq", Within{&Header::globals, &Globals::alert_seq}},
      Column{"published", Within{&Header::globals, &Globals::published}},
      Column{"episode_epochs", &Header::episode_epochs},
      Column{"episodes", Within{&Header::globals, &Globals::episodes}},
      Column{"registrations", Within{&Header::globals, &Globals::registrations}},
      Column{"transitions", Within{&Header::globals, &Globals::transitions}},
      Column{"capacity_episode", Within{&Header::globals, &Globals::capacity_episode}},
      Column{"storm", Within{&Header::globals, &Globals::storm}},
      Column{"source_incarnations", Within{&Header::globals, &Globals::source_incarnations}},
      Column{"paused", Within{&Header::globals, &Globals::paused}},
      Column{"grace_at", Within{&Header::globals, &Globals::grace_at}},
      Column{"boot", &Header::boot},
      Column{"ahead_ms", &Header::ahead_ms},
      Column{"written", &Header::written},
      Column{"written_at", &Header::written_at},
      Column{"closed", &Header::closed},
  };
};

template <>
struct Table<RunRecord> {
  static constexpr std::array<std::string_view, 3> states{"running", "idle", "ended"};
  static constexpr std::array<std::string_view, 3> ends{"", "unregister", "timeout"};
  static constexpr std::string_view name = "runs";
  static constexpr std::string_view constraints =
      "PRIMARY KEY (slot), CHECK (state IN ('running', 'idle', 'ended')), "
      "CHECK (ended_by IN ('', 'unregister', 'timeout'))) STRICT";
  static constexpr auto columns = std::tuple{
      Column{"slot", &RunRecord::slot},
      Column{"state", &RunRecord::state, states},
      Column{"ended_by", &RunRecord::ended_by, ends},
      Column{"agent_id", &RunRecord::agent_id},
      Column{"run_id", &RunRecord::run_id},
      Column{"task_id", &RunRecord::task_id},
      Column{"agent_type", &RunRecord::agent_type},
      Column{"phase", &RunRecord::phase},
      Column{"detail", &RunRecord::detail},
      Column{"outcome", &RunRecord::outcome},
      Column{"adopted", &RunRecord::adopted},
      Column{"stale", &RunRecord::stale},
      Column{"warned", &RunRecord::warned},
      Column{"started", &RunRecord::started},
      Column{"last_activity", &RunRecord::last_activity},
      Column{"paused_before_activity", &RunRecord::paused_before_activity},
      Column{"promised_at", &RunRecord::promised_at},
      Column{"promise", &RunRecord::promise},
      Column{"paused_before_promise", &RunRecord::paused_before_promise},
      Column{"timeout_after", &RunRecord::timeout_after},
      Column{"stale_since", &RunRecord::stale_since},
      Column{"last_warning", &RunRecord::last_warning},
      Column{"episode", &RunRecord::episode},
      Column{"opened", &RunRecord::opened},
      Column{"order", &RunRecord::order},
      Column{"progress", &RunRecord::progress},
      Column{"last_event_register", Element{&RunRecord::last_event, 0}},
      Column{"last_event_activity", Element{&RunRecord::last_event, 1}},
      Column{"last_event_idle", Element{&RunRecord::last_event, 2}},
      Column{"sent_at", &RunRecord::sent_at},
      Column{"source_slot", &RunRecord::source_slot},
      Column{"source_incarnation", &RunRecord::source_incarnation},
      Column{"source_seq", &RunRecord::source_seq},
      Column{"source_missing", &RunRecord::source_missing},
      Column{"rejected_events", &RunRecord::rejected_events},
      Column{"zombie_events", &RunRecord::zombie_events},
      Column{"ended_at", &RunRecord::ended_at},
      Column{"last_zombie", &RunRecord::last_zombie},
  };
};

template <>
struct Table<SourceRecord> {
  static constexpr std::string_view name = "sources";
  static constexpr std::string_view constraints = "PRIMARY KEY (slot)) STRICT";
  static constexpr auto columns = std::tuple{
      Column{"slot", &SourceRecord::slot},
      Column{"name", &SourceRecord::name},
      Column{"highest", &SourceRecord::highest},
      Column{"window", &SourceRecord::window},
      Column{"base", &SourceRecord::base},
      Column{"missing", &SourceRecord::missing},
      Column{"rejected", &SourceRecord::rejected},
      Column{"incarnation", &SourceRecord::incarnation},
      Column{"heard", &SourceRecord::heard},
  };
};

template <>
struct Table<Downtime> {
  static constexpr std::string_view name = "downtimes";
  static constexpr std::string_view constraints = "PRIMARY KEY (since)) STRICT";
  static constexpr auto columns = std::tuple{
      Column{"since", &Downtime::since},
      Column{"until", &Downtime::until},
  };
};

// Alerts of other epochs stay as history.
template <>
struct Table<AlertRecord> {
  static constexpr std::string_view name = "alerts";
  static constexpr std::string_view constraints = "PRIMARY KEY (epoch, seq)) STRICT, WITHOUT ROWID";
  static constexpr auto columns = std::tuple{
      Column{"epoch", &AlertRecord::epoch},
      Column{"seq", &AlertRecord::seq},
      Column{"raised_at", &AlertRecord::raised_at},
      Column{"severity", &AlertRecord::severity},
      Column{"kind", &AlertRecord::kind},
      Column{"agent_id", &AlertRecord::agent_id},
      Column{"run_id", &AlertRecord::run_id},
      Column{"id", &AlertRecord::id},
      Column{"message", &AlertRecord::message},
      Column{"payload", &AlertRecord::payload, {}, Content::bytes},
  };
};

// A text for each line. REQUIRES: none contains a line break; no text of this protocol does.
inline std::string joined(const std::vector<std::string>& texts) {
  std::string lines;
  for (const std::string& text : texts) {
    lines += text + '\n';
  }
  return lines;
}

inline std::vector<std::string> split(std::string_view lines) {
  std::vector<std::string> texts;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    texts.emplace_back(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return texts;
}

// Blocks of last activities: of each place the order of its run, the instant and the pauses before
// it in ms, 8 bytes each, little-endian. Written often and never looked into by SQL, hence no row
// for each place.
inline constexpr std::size_t activity_bytes = 24;
inline constexpr const char* create_activity =
    "CREATE TABLE activity (first_slot INTEGER PRIMARY KEY, last_activity BLOB NOT NULL) STRICT";
inline constexpr const char* create_alerts_by_time =
    "CREATE INDEX alerts_by_time ON alerts (raised_at, epoch, seq)";

}  // namespace heartbeat::store
