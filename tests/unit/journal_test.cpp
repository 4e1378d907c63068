// What the journal hands over, when, and what a successor makes of it. The storage is in memory and
// writes when it is told to.
#include "daemon/journal.hpp"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/state_files.hpp"

namespace heartbeat::daemon {
namespace {

using store::clocks_at;

// Keeps whole batches; holds the last one back until commit() or fail().
class Memory final : public store::Storage {
 public:
  const std::string& name() const override { return name_; }
  std::optional<store::State> load() override { return std::move(before); }
  void write(std::unique_ptr<store::Batch> batch, const store::Clocks&) override {
    writing = std::move(batch);
  }
  std::optional<Written> written() override { return std::exchange(written_, std::nullopt); }
  std::optional<Written> wait_written(Duration) override { return written(); }

  void commit() {
    kept.push_back(*writing);
    written_ = Written{std::move(writing), std::nullopt, std::nullopt, Duration{}};
  }
  void fail() { written_ = Written{std::move(writing), "no room", std::nullopt, Duration{}}; }

  std::optional<store::State> before;
  std::unique_ptr<store::Batch> writing;
  std::vector<store::Batch> kept;

 private:
  std::string name_ = "memory";
  std::optional<Written> written_;
};

constexpr Duration wait_max{100};

// A monitor's state and its journal, without a loop.
struct Kept {
  explicit Kept(Memory& memory)
      : storage(memory),
        journal(
            storage, Options{}, clocks_at(0), fleet, log, health,
            std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::null_sink_st>()),
            make_epoch) {}

  void turn(std::int64_t ms) { journal.turn(clocks_at(ms), wait_max); }
  // Registers a run that has been too long at once, for an alert.
  void alert(const char* agent_id, std::int64_t ms) {
    Event event;
    event.kind = EventKind::register_;
    event.agent_id = agent_id;
    event.running_for_ms = Duration{10};
    event.timeout_after_ms = Duration{1};
    const Instant now = clocks_at(ms).now;
    core::Transitions transitions;
    fleet.fold({&event, 1}, now, transitions);
    fleet.advance(now, now, 10, transitions);
    for (const core::Transition& transition : transitions) {
      log.add(transition, clocks_at(ms).wall_now, false);
    }
  }

  Memory& storage;
  core::Fleet fleet{core::Limits{}};
  AlertLog log{"e1", 100};
  Health health;
  Journal journal;
};

store::State state_of_epoch(const char* epoch) {
  store::State state;
  state.globals.epoch = epoch;
  state.globals.episode_epochs = {epoch};
  return state;
}

TEST_CASE("a pause of the monitor alone is reason enough to write: all deadlines have moved") {
  Memory storage;
  Kept kept(storage);
  kept.turn(100);
  REQUIRE(storage.writing);
  storage.commit();
  kept.turn(200);
  REQUIRE_FALSE(storage.writing);
  kept.fleet.paused(Duration{3'000});
  kept.turn(300);
  REQUIRE(storage.writing);
  CHECK(storage.writing->globals.paused == Duration{3'000});
  INFO("nor is it forgotten where that fails");
  storage.fail();
  kept.turn(2'000);
  kept.turn(4'000);
  REQUIRE(storage.writing);
}

TEST_CASE(
    "the lag is the age of the oldest change that is not in the file, also where that fails") {
  Memory storage;
  Kept kept(storage);
  const auto lag_at = [&](std::int64_t ms) {
    kept.turn(ms);
    return kept.health.state_lag_ms.count();
  };
  CHECK(lag_at(100) == 0);
  CHECK(lag_at(130) == 30);
  storage.commit();
  CHECK(lag_at(140) == 0);
  kept.alert("a", 141);
  CHECK(lag_at(141) == 0);
  REQUIRE(storage.writing);
  CHECK(lag_at(150) == 9);
  kept.alert("b", 160);
  CHECK(lag_at(160) == 19);
  storage.fail();
  CHECK(lag_at(170) == 29);
  CHECK(lag_at(1'169) == 1'028);
  CHECK(lag_at(1'170) == 1'029);
  REQUIRE(storage.writing);
  storage.commit();
  CHECK(lag_at(1'171) == 0);
}

TEST_CASE("where nothing happens the file learns each second that the monitor was there") {
  Memory storage;
  Kept kept(storage);
  kept.turn(100);
  storage.commit();
  kept.turn(200);
  kept.turn(1'099);
  REQUIRE_FALSE(storage.writing);
  kept.turn(1'100);
  REQUIRE(storage.writing);
}

TEST_CASE("that an alert was published is written, so that it does not go out again") {
  Memory storage;
  Kept kept(storage);
  kept.alert("a", 100);
  kept.turn(100);
  storage.commit();
  kept.turn(101);
  REQUIRE(kept.log.next(kept.journal.committed()) != nullptr);
  kept.log.published_next();
  kept.turn(200);
  REQUIRE(storage.writing);
  CHECK(storage.writing->globals.published == 1);
}

TEST_CASE("a commit that alerts wait for takes no longer than it may") {
  Memory storage;
  Kept kept(storage);
  SECTION("its own") {
    kept.alert("a", 100);
    kept.turn(100);
  }
  SECTION("one without alerts, that must end before its own begins") {
    kept.turn(60);
    REQUIRE(storage.writing);
    kept.alert("a", 100);
    kept.turn(100);
  }
  kept.turn(100 + 100);
  CHECK(kept.health.state_epochs_left_total == 0);
  kept.turn(100 + 101);
  CHECK(kept.health.state_epochs_left_total == 1);
}

TEST_CASE("that alerts come while others are committed makes no commit too slow") {
  Memory storage;
  Kept kept(storage);
  kept.turn(100);
  REQUIRE(storage.writing);
  for (std::int64_t ms = 110; ms < 1'000; ms += 90) {
    kept.alert(("a" + std::to_string(ms)).c_str(), ms);
    kept.turn(ms);
    storage.commit();
    kept.turn(ms + 80);
    REQUIRE(storage.writing);
    CHECK(storage.writing->alerts.size() == 1);
  }
  CHECK(kept.health.state_epochs_left_total == 0);
}

TEST_CASE("a run that has an alert is written with that, and not once more") {
  Memory storage;
  Kept kept(storage);
  kept.alert("a", 100);
  kept.alert("b", 100);
  kept.turn(100);
  REQUIRE(storage.writing);
  CHECK(storage.writing->alerts.size() == 2);
  CHECK(storage.writing->runs.size() == 2);
  CHECK(kept.fleet.changed_runs().size() == 0);
}

TEST_CASE(
    "no seq is in the file before what its event changed, and what waits does not wait long") {
  Memory storage;
  Kept kept(storage);
  kept.turn(100);
  storage.commit();
  constexpr std::uint64_t runs = 10'000;
  constexpr std::uint64_t batch = Shares{}.runs_per_batch;
  core::Transitions transitions;
  for (std::uint64_t seq = 1; seq <= runs; ++seq) {
    const std::string agent_id = "a" + std::to_string(seq);
    Event event;
    event.kind = EventKind::register_;
    event.agent_id = agent_id;
    event.source = "s";
    event.seq = seq;
    kept.fleet.fold({&event, 1}, clocks_at(110).now, transitions);
  }
  std::size_t written = 0;
  std::int64_t ms = 200;
  for (; storage.kept.back().sources.empty(); ++ms) {
    kept.turn(ms);
    REQUIRE(storage.writing);
    written += storage.writing->runs.size();
    storage.commit();
  }
  CHECK(written == runs);
  CHECK(ms == 200 + (runs + batch - 1) / batch);  // batch after batch
}

TEST_CASE("no episode has the id of one that was told of in an epoch beside the file") {
  Memory storage;
  std::string told;
  {
    Kept kept(storage);
    kept.turn(100);
    storage.commit();
    kept.alert("a", 150);
    kept.turn(150);
    storage.fail();
    kept.turn(151);
    REQUIRE(kept.health.state_epochs_left_total == 1);
    const AlertLog::Entry* entry = kept.log.next(kept.journal.committed());
    REQUIRE(entry != nullptr);
    REQUIRE(entry->alert.epoch != "e1");
    told = entry->alert.id;
  }
  const store::Globals globals = storage.kept.back().globals;
  storage.before = store::State{};
  storage.before->globals = globals;
  Kept successor(storage);
  REQUIRE(successor.log.epoch() == "e1");
  successor.alert("b", 1'000);
  successor.log.each_unpublished(
      [&](const AlertLog::Entry& entry) { CHECK(entry.alert.id != told); });
  CHECK(successor.log.unpublished() == 1);
}

TEST_CASE("two starts from one state of the file give no two episodes one id") {
  const auto first_id = [](Duration down) {
    Memory storage;
    storage.before = state_of_epoch("e1");
    storage.before->down = down;
    Kept kept(storage);
    kept.alert("a", 10);
    std::string id;
    kept.log.each_unpublished([&](const AlertLog::Entry& entry) { id = entry.alert.id; });
    return id;
  };
  CHECK(first_id(Duration{5}) != first_id(Duration{10}));
}

TEST_CASE("an alert that the file does not take at the end is published all the same") {
  Memory storage;
  Kept kept(storage);
  kept.turn(100);
  storage.commit();
  kept.turn(101);
  kept.alert("a", 150);
  SECTION("because it is slow") {
    kept.turn(150);
    REQUIRE(storage.writing);
  }
  SECTION("because it fails") {
    kept.turn(150);
    storage.fail();
  }
  kept.journal.finish(clocks_at(160), Duration{1});
  const AlertLog::Entry* entry = kept.log.next(kept.journal.committed());
  REQUIRE(entry != nullptr);
  CHECK(entry->alert.epoch != "e1");
}

TEST_CASE("a file that cannot be written is told of before an alert waits for it") {
  Memory storage;
  Kept kept(storage);
  kept.turn(100);
  CHECK(kept.health.state_file == "kept");
  storage.fail();
  kept.turn(101);
  CHECK(kept.health.state_file == "failing");
  INFO("an alert tries at once, and has not to wait for the next attempt");
  kept.alert("a", 150);
  kept.turn(150);
  REQUIRE(storage.writing);
  storage.commit();
  kept.turn(151);
  CHECK(kept.health.state_file == "kept");
  CHECK(kept.health.state_epochs_left_total == 0);
}

TEST_CASE("what a slow disk has not taken in time is written all the same") {
  Memory storage;
  Kept kept(storage);
  kept.turn(100);
  REQUIRE(storage.writing);
  kept.alert("a", 110);
  kept.journal.finish(clocks_at(120), Duration{1});
  storage.commit();
  kept.journal.finish_late(clocks_at(130), Duration{1});
  REQUIRE(storage.writing);
  CHECK(storage.writing->runs.size() == 1);
}

TEST_CASE("a start soon after another leaves the rest of its grace") {
  const Duration grace = Options{}.restart_grace_ms;
  const auto until = [&](Duration since_the_other) {
    Memory storage;
    storage.before = state_of_epoch("e1");
    storage.before->runs = {store::run_at(0, 1, -10'000'000)};
    storage.before->globals.grace_at = clocks_at(0).wall_now - since_the_other;
    Kept kept(storage);
    return *kept.fleet.next_deadline() - clocks_at(0).now;
  };
  CHECK(until(grace / 3) == grace - grace / 3);
  CHECK(until(grace * 2) <= Duration{1});
  CHECK(until(grace * 20) == grace);
}

TEST_CASE("a place that no monitor would have taken is no place") {
  Memory storage;
  storage.before = state_of_epoch("e1");
  storage.before->runs = {store::run_at(4'294'967'290, 1, 0)};
  CHECK_THROWS_AS(Kept(storage), store::Unusable);
}

TEST_CASE("the earlier of two records of one name leaves the file") {
  const auto place = GENERATE(0U, 50'000U);
  Memory storage;
  storage.before = state_of_epoch("e1");
  storage.before->runs = {store::run_at(1, 2, 0), store::run_at(place, 1, 0)};
  storage.before->runs[0].agent_id = storage.before->runs[1].agent_id;
  Kept kept(storage);
  REQUIRE(kept.fleet.runs_in_flight() == 1);
  kept.turn(100);
  REQUIRE(storage.writing);
  CHECK(storage.writing->forgotten == std::vector<std::uint32_t>{place});
}

}  // namespace
}  // namespace heartbeat::daemon
