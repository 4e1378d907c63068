#include "store/state_file.hpp"

#include <poll.h>

#include <limits>

#include "store/tables.hpp"
#include "support/catch.hpp"
#include "support/state_files.hpp"

namespace heartbeat::store {
namespace {

constexpr std::uint64_t all_bits = std::numeric_limits<std::uint64_t>::max();
const std::string unicode = "Übergabe ✓ 𝄞 e\u0301 'quoted' \"twice\" ; -- %";

RunRecord full_run() {
  RunRecord run;
  run.slot = 7;
  run.state = "ended";
  run.ended_by = "timeout";
  run.agent_id = unicode;
  run.run_id = std::string(128, 'r');
  run.task_id = "t";
  run.agent_type = "coder";
  run.phase = "tool:web_search";
  run.detail = std::string(512, 'd');
  run.outcome = "failed";
  run.adopted = run.stale = run.warned = true;
  run.started = at(-31'557'600'000);  // it ran before this machine was started
  run.last_activity = at(1);
  run.paused_before_activity = Duration{2};
  run.promised_at = at(3);
  run.promise = duration_max;
  run.paused_before_promise = Duration{4};
  run.timeout_after = Duration{5};
  run.stale_since = at(6);
  run.last_warning = at(7);
  run.episode = all_bits;
  run.opened = (1ULL << 63U) + 1;
  run.order = 8;
  run.progress = all_bits - 1;
  run.last_event = {at(9), at(10), at(-11)};
  run.sent_at = wall_at(-12);
  run.source_slot = UINT32_MAX - 1;
  run.source_incarnation = UINT32_MAX;
  run.source_seq = 1ULL << 53U;
  run.source_missing = 13;
  run.rejected_events = 14;
  run.zombie_events = 15;
  run.ended_at = at(16);
  run.last_zombie = at(17);
  return run;
}

SourceRecord full_source() {
  return {.slot = UINT32_MAX,
          .name = unicode,
          .highest = 1ULL << 53U,
          .window = all_bits ^ 2U,
          .base = 5,
          .missing = 1,
          .rejected = 2,
          .incarnation = 3,
          .heard = at(4)};
}

Globals full_globals() {
  return {.epoch = "e1",
          .alert_seq = 2,
          .published = 1,
          .episode_epochs = {"e0", "", "e1"},
          .episodes = all_bits,
          .registrations = 3,
          .transitions = 4,
          .capacity_episode = 5,
          .storm = 6,
          .source_incarnations = UINT32_MAX,
          .paused = Duration{8},
          .grace_at = wall_at(7)};
}

// So that a field that is added is set above, and proven.
template <class Record>
void require_all_set(const Record& full) {
  const Record empty;
  for_each_column<Record>([&](const auto& column) {
    INFO(column.name);
    CHECK(std::invoke(column.get, full) != std::invoke(column.get, empty));
  });
}

State after(const std::string& path, const std::function<void(Batch&)>& change) {
  {
    Monitor monitor(path);
    change(monitor.next);
    REQUIRE_FALSE(monitor.write());
  }
  return loaded(path);
}

}  // namespace

TEST_CASE("a new state file holds nothing") {
  const Folder folder;
  CHECK_FALSE(Monitor(folder.file()).state);
  INFO("also after a monitor that wrote nothing");
  CHECK_FALSE(Monitor(folder.file()).state);
}

TEST_CASE("every field of a record comes back as it was written") {
  const Folder folder;
  require_all_set(full_run());
  require_all_set(full_source());
  AlertRecord alert = alert_of("e1", 1);
  alert.run_id = "r";
  alert.message = unicode;
  alert.payload.clear();
  for (int byte = 0; byte < 256; ++byte) {
    alert.payload += static_cast<char>(byte);
  }
  require_all_set(alert);
  RunRecord empty_run;  // texts and what is optional absent
  empty_run.slot = 0;
  empty_run.state = "idle";
  AlertRecord empty_alert;
  empty_alert.epoch = "e1";
  empty_alert.seq = 2;

  const State state = after(folder.file(), [&](Batch& batch) {
    batch.globals = full_globals();
    batch.runs = {full_run(), empty_run};
    batch.sources = {full_source()};
    batch.alerts = {alert, empty_alert};
  });
  CHECK(state.globals == full_globals());
  REQUIRE(state.runs.size() == 2);
  CHECK(state.runs[0] == empty_run);
  CHECK(state.runs[1] == full_run());
  CHECK(state.sources == std::vector{full_source()});
  CHECK(state.alerts == std::vector{alert, empty_alert});
  CHECK(state.down == Duration{0});
  CHECK_FALSE(state.cut);
}

TEST_CASE("a later record replaces the one at its place, and a forgotten one is gone") {
  const Folder folder;
  {
    Monitor monitor(folder.file());
    monitor.next.runs = {run_at(1, 1, 0), run_at(2, 2, 0), run_at(3, 3, 0)};
    monitor.next.sources = {source_at(1, "a"), source_at(2, "b")};
    REQUIRE_FALSE(monitor.write());
    INFO("what is forgotten goes before what is written");
    monitor.next.forgotten = {1, 2, 99};
    monitor.next.runs = {run_at(2, 4, 0)};
    monitor.next.forgotten_sources = {1, 99};
    monitor.next.sources = {source_at(2, "c")};
    REQUIRE_FALSE(monitor.write());
  }
  const State state = loaded(folder.file());
  CHECK(state.runs == std::vector{run_at(2, 4, 0), run_at(3, 3, 0)});
  REQUIRE(state.sources.size() == 1);
  CHECK(state.sources[0].name == "c");
}

TEST_CASE("of a run's last activity the later one counts, in its record or in its block") {
  const Folder folder;
  const State state = after(folder.file(), [](Batch& batch) {
    batch.runs = {run_at(0, 1, 100), run_at(1, 2, 300), run_at(block_slots, 3, 100)};
    batch.runs[0].paused_before_activity = batch.runs[1].paused_before_activity = Duration{50};
    batch.activity = {{0, {{1, at(200), Duration{60}}, {2, at(200), Duration{60}}}},
                      {block_slots, {{3, at(400), Duration{70}}}}};
  });
  CHECK(state.runs[0].last_activity == at(200));
  CHECK(state.runs[0].paused_before_activity == Duration{60});
  CHECK(state.runs[1].last_activity == at(300));
  CHECK(state.runs[1].paused_before_activity == Duration{50});
  CHECK(state.runs[2].last_activity == at(400));
  CHECK(state.runs[2].paused_before_activity == Duration{70});
}

TEST_CASE("a block of a run that is gone says nothing about the next at its place") {
  const Folder folder;
  {
    Monitor monitor(folder.file());
    monitor.next.runs = {run_at(5, 1, 0)};
    monitor.next.activity = {{0, {{}, {}, {}, {}, {}, {1, at(900), {}}}}};
    REQUIRE_FALSE(monitor.write());
    SECTION("whose record came later") {
      monitor.next.forgotten = {5};
      monitor.next.runs = {run_at(5, 2, 300)};
      REQUIRE_FALSE(monitor.write());
    }
    SECTION("whose record came in place of the other's") {
      monitor.next.runs = {run_at(5, 2, 300)};
      REQUIRE_FALSE(monitor.write());
    }
  }
  CHECK(loaded(folder.file()).runs[0].last_activity == at(300));
}

TEST_CASE("a block that is ahead of its run's record says nothing about the run before") {
  const Folder folder;
  const State state = after(folder.file(), [](Batch& batch) {
    batch.runs = {run_at(0, 1, 100)};
    batch.activity = {{0, {{2, at(900), {}}}}};
  });
  CHECK(state.runs[0].last_activity == at(100));
}

TEST_CASE("a block shorter than its predecessor, and a run beyond it, are no error") {
  const Folder folder;
  const State state = after(folder.file(), [](Batch& batch) {
    batch.runs = {run_at(0, 1, 100), run_at(3, 2, 100)};
    batch.activity = {{0, {{1, at(150), {}}}}, {block_slots, {}}};
  });
  CHECK(state.runs[0].last_activity == at(150));
  CHECK(state.runs[1].last_activity == at(100));
}

TEST_CASE("the last alerts of the current epoch are loaded, oldest first; others stay as history") {
  const Folder folder;
  {
    Monitor monitor(folder.file());
    monitor.next.alerts = {alert_of("e0", 7)};
    for (int i = 0; i < 5; ++i) {
      monitor.add_alert();
    }
    monitor.next.globals.published = 4;
    REQUIRE_FALSE(monitor.write());
  }
  Monitor monitor(folder.file(), clocks_at(0), 3);
  REQUIRE(monitor.state->alerts.size() == 3);
  CHECK(monitor.state->alerts.front().seq == 3);
  CHECK(monitor.state->alerts.back().seq == 5);
  CHECK(history(folder.file(), {}).size() == 6);
}

TEST_CASE("alerts that were perhaps not published are loaded, however few are kept") {
  const Folder folder;
  {
    Monitor monitor(folder.file(), clocks_at(0), 3);
    for (int i = 0; i < 9; ++i) {
      monitor.add_alert();
    }
    monitor.next.globals.published = 2;
    REQUIRE_FALSE(monitor.write());
  }
  const Monitor monitor(folder.file(), clocks_at(0), 3);
  REQUIRE(monitor.state->alerts.size() == 7);
  CHECK(monitor.state->alerts.front().seq == 3);
}

TEST_CASE("of alerts with a gap, which a jump of the wall clock can prune, the last are loaded") {
  const Folder folder;
  after(folder.file(), [](Batch& batch) {
    batch.globals.alert_seq = 5;
    for (std::uint64_t seq = 1; seq <= 5; ++seq) {
      batch.alerts.push_back(alert_of("e1", seq));
    }
  });
  Connection(folder.file(), Connection::Access::write, Duration{0})
      .run("DELETE FROM alerts WHERE seq = 3");
  CHECK(loaded(folder.file()).alerts == std::vector{alert_of("e1", 4), alert_of("e1", 5)});
}

TEST_CASE("an alert is never written over: the batch fails, and nothing of it is in the file") {
  const Folder folder;
  Monitor monitor(folder.file());
  monitor.add_alert();
  REQUIRE_FALSE(monitor.write());
  monitor.next.alerts = {alert_of("e1", 1)};
  monitor.next.runs = {run_at(0, 1, 0)};
  const auto error = monitor.write();
  REQUIRE(error);
  CHECK(error->starts_with(folder.file() + ": "));
  CHECK(error->find("UNIQUE") != std::string::npos);
  monitor.next.runs = {run_at(1, 2, 0)};
  CHECK_FALSE(monitor.write());
  CHECK(history(folder.file(), {}).size() == 1);
}

TEST_CASE("the descriptor is readable from when a batch's fate is known until it is fetched") {
  const Folder folder;
  Monitor monitor(folder.file());
  StateFile& file = monitor.file();
  pollfd ready{file.fd(), POLLIN, 0};
  CHECK(poll(&ready, 1, 0) == 0);
  CHECK_FALSE(file.written());
  CHECK_FALSE(file.wait_written(Duration{0}));

  auto batch = std::make_unique<Batch>(monitor.next);
  const Batch* handed_over = batch.get();
  file.write(std::move(batch), monitor.clocks);
  CHECK_THROWS_AS(file.write(std::make_unique<Batch>(), monitor.clocks), std::logic_error);
  REQUIRE(poll(&ready, 1, static_cast<int>(patience.count())) == 1);
  const auto written = file.written();
  REQUIRE(written);
  CHECK_FALSE(written->error);
  CHECK(written->batch.get() == handed_over);
  CHECK(poll(&ready, 1, 0) == 0);
  CHECK_FALSE(file.written());
}

TEST_CASE("what was handed over is written before the file is closed") {
  const Folder folder;
  {
    Monitor monitor(folder.file());
    monitor.file().write(std::make_unique<Batch>(monitor.next), monitor.clocks);
  }
  CHECK(loaded(folder.file()).globals.epoch == "e1");
}

TEST_CASE("within one boot instants stay, and the time between is known") {
  const Folder folder;
  after(folder.file(), [](Batch& batch) { batch.runs = {full_run()}; });
  const State state = loaded(folder.file(), clocks_at(1'234));
  CHECK(state.runs[0] == full_run());
  CHECK(state.down == Duration{1'234});
}

TEST_CASE("after another boot ages go on by the wall clock, and are never negative") {
  const Folder folder;
  RunRecord run = run_at(0, 1, 0);
  run.started = clocks_at(-3'000).now;
  run.last_activity = clocks_at(-500).now;
  run.last_event[1] = clocks_at(500).now;  // ahead of the batch: its age was zero
  run.sent_at = wall_at(42);
  SourceRecord source = source_at(0, "s");
  source.heard = clocks_at(-200).now;
  after(folder.file(), [&](Batch& batch) {
    batch.runs = {run};
    batch.activity = {{0, {{1, clocks_at(-400).now, {}}}}};
    batch.sources = {source};
  });
  const auto check = [&](Clocks now, Duration down, const std::string& boot) {
    const State state = loaded(folder.file(), now, boot);
    CHECK(state.down == down);
    CHECK(now.now - state.runs[0].started == Duration{3'000} + down);
    CHECK(now.now - state.runs[0].last_activity == Duration{400} + down);
    CHECK(now.now - *state.runs[0].last_event[1] == down);
    CHECK_FALSE(state.runs[0].last_event[0]);
    CHECK(now.now - state.sources[0].heard == Duration{200} + down);
    CHECK(state.runs[0].sent_at == wall_at(42));
  };
  const WallTime written_at = clocks_at(0).wall_now;
  SECTION("an hour later") {
    check({at(10), written_at + Duration{3'600'000}}, Duration{3'600'000}, "boot-2");
  }
  SECTION("with a wall clock that was set back") {
    check({at(10), written_at - Duration{3'600'000}}, Duration{0}, "boot-2");
  }
  SECTION("a machine that was set back to a snapshot of itself") {
    check({at(10), written_at + Duration{1'000}}, Duration{1'000}, "boot-1");
  }
}

TEST_CASE("what an earlier boot wrote keeps its age over all later restarts") {
  const Folder folder;
  const WallTime written_at = clocks_at(0).wall_now;
  after(folder.file(), [](Batch& batch) { batch.runs = {run_at(0, 1, 49'000)}; });
  {
    // Another boot, ten seconds later, which writes something else.
    Monitor monitor(folder.file(), {at(10), written_at + Duration{10'000}}, 1'000, 30, "boot-2");
    CHECK(at(10) - monitor.state->runs[0].last_activity == Duration{11'000});
    monitor.next.runs = {run_at(1, 2, 5)};
    REQUIRE_FALSE(monitor.write());
  }
  const Clocks now{at(2'010), written_at + Duration{12'000}};
  const State state = loaded(folder.file(), now, "boot-2");
  CHECK(state.down == Duration{2'000});
  CHECK(now.now - state.runs[0].last_activity == Duration{13'000});
  CHECK(now.now - state.runs[1].last_activity == Duration{2'005});
}

TEST_CASE("the times between monitors are kept, the last of them, over boots") {
  const Folder folder;
  after(folder.file(), [](Batch&) {});
  const auto passes = [&](std::int64_t start_ms, std::int64_t end_ms) {
    Monitor monitor(folder.file(), clocks_at(start_ms));
    monitor.clocks = clocks_at(end_ms);
    REQUIRE_FALSE(monitor.write());
  };
  const auto time = [](std::int64_t from_ms, std::int64_t to_ms) {
    return Downtime{clocks_at(from_ms).now, clocks_at(to_ms).now};
  };
  passes(10, 20);
  passes(23, 24);
  loaded(folder.file(), clocks_at(50));  // has written nothing when it ends
  CHECK(loaded(folder.file(), clocks_at(60)).downtimes ==
        std::vector{time(0, 10), time(20, 23), time(24, 60)});
  const auto wall = clocks_at(60).wall_now;
  CHECK(loaded(folder.file(), {at(7), wall}, "boot-2").downtimes.front() ==
        Downtime{at(7) - Duration{60}, at(7) - Duration{50}});
  for (std::int64_t ms = 100; ms < 300; ms += 2) {
    passes(ms, ms + 1);
  }
  const State state = loaded(folder.file(), clocks_at(300));
  CHECK(state.downtimes.size() == 64 + 1);
  CHECK(state.downtimes.back() == time(299, 300));
  CHECK(state.downtimes.front() == time(171, 172));
}

TEST_CASE("a file that is older than the table of times between monitors gets it") {
  const Folder folder;
  after(folder.file(), [](Batch&) {});
  Connection{folder.file(), Connection::Access::write, Duration{0}}.run("DROP TABLE downtimes");
  after(folder.file(), [](Batch&) {});
  CHECK(loaded(folder.file(), clocks_at(5)).downtimes.size() == 1);
}

TEST_CASE("where the system does not name its boots, each may be another") {
  const Folder folder;
  const Clocks later{clocks_at(5'000).now, clocks_at(1'000).wall_now};
  {
    Monitor monitor(folder.file(), clocks_at(0), 1'000, 30, "");
    REQUIRE_FALSE(monitor.write());
  }
  CHECK(loaded(folder.file(), later, "").down == Duration{1'000});
}

TEST_CASE("this machine names its boot") { CHECK(boot_id().size() == 36); }

TEST_CASE("alerts that are too old go, but not the last of the current epoch") {
  const Folder folder;
  constexpr Duration day{86'400'000};
  const Clocks now = clocks_at(0);
  const auto aged = [&](const std::string& epoch, std::uint64_t seq, Duration age) {
    return alert_of(epoch, seq, now.wall_now - age);
  };
  Monitor monitor(folder.file(), now, 3, 2);
  for (std::uint64_t seq = 1; seq <= 1'000; ++seq) {
    monitor.next.alerts.push_back(aged("e0", seq, 3 * day));
  }
  monitor.next.alerts.push_back(aged("e0", 1'001, 2 * day - Duration{1}));
  for (std::uint64_t seq = 1; seq <= 10; ++seq) {
    monitor.next.alerts.push_back(aged("e1", seq, 4 * day));
  }
  monitor.next.globals.alert_seq = monitor.next.globals.published = 10;
  REQUIRE_FALSE(monitor.write());

  std::vector<AlertRecord> left;
  int batches = 0;
  do {
    REQUIRE(++batches < 100);
    REQUIRE_FALSE(monitor.write());
    left = history(folder.file(), {});
  } while (left.size() > 4);
  CHECK(batches > 5);  // a few at a time
  CHECK(left == std::vector{aged("e1", 8, 4 * day), aged("e1", 9, 4 * day), aged("e1", 10, 4 * day),
                            aged("e0", 1'001, 2 * day - Duration{1})});

  INFO("what has aged since goes in the next round, a minute later");
  monitor.clocks.wall_now += Duration{2};
  monitor.clocks.now += Duration{60'001};
  for (batches = 0; history(folder.file(), {}).size() > 3; ++batches) {
    REQUIRE(batches < 100);
    REQUIRE_FALSE(monitor.write());
  }
}

}  // namespace heartbeat::store
