// No state change is lost, whatever becomes of the monitor and of the connection: what the agents'
// threads said is compared with what was handed to the monitor, and with what it knows in the end.
#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cable.hpp"
#include "hbmond.hpp"
#include "heartbeat/agent_client.hpp"
#include "tape.hpp"

namespace heartbeat::test {
namespace {

// Of each run, agent/run, what was said of it, in order, as a Tape words it.
using Said = std::map<std::string, std::vector<std::string>>;

// One thread's runs.
class Worker {
 public:
  Worker(AgentClient& client, int number, std::size_t runs)
      : client_(client),
        agent_id_("w" + std::to_string(number)),
        random_(static_cast<std::uint32_t>(number)),
        runs_(runs) {
    for (Kept& kept : runs_) {
      begin(kept);
    }
  }

  void step() {
    Kept& kept = runs_[random_() % runs_.size()];
    switch (random_() % 5) {
      case 0:
        finish(kept);
        begin(kept);
        break;
      case 1:
        kept.run->idle();
        kept.idle = true;
        note(kept, "idle");
        break;
      case 2:
        kept.phase = "phase " + std::to_string(random_());
        kept.run->phase(kept.phase);
        note(kept, "phase " + kept.phase);
        break;
      default:
        kept.run->activity();
        kept.idle = false;
        break;
    }
  }

  const std::string& agent_id() const { return agent_id_; }
  struct Kept {
    std::unique_ptr<AgentRun> run;
    std::string run_id;
    std::string phase;
    bool idle = false;
  };
  const std::vector<Kept>& runs() const { return runs_; }
  const Said& said() const { return said_; }

 private:
  void note(const Kept& kept, std::string said) {
    said_[agent_id_ + '/' + kept.run_id].push_back(std::move(said));
  }

  void begin(Kept& kept) {
    kept = {nullptr, std::to_string(++begun_), "", false};
    kept.run = std::make_unique<AgentRun>(
        client_, AgentRunOptions{.agent_id = agent_id_, .run_id = kept.run_id});
    note(kept, "register");
  }

  void finish(Kept& kept) {
    const std::string outcome = "outcome " + std::to_string(random_() % 1'000);
    kept.run->finish(outcome);
    note(kept, "unregister " + outcome);
    kept.run.reset();
  }

  AgentClient& client_;
  const std::string agent_id_;
  std::mt19937 random_;
  std::uint64_t begun_ = 0;
  std::vector<Kept> runs_;
  Said said_;
};

// Run id to status and phase.
using Runs = std::map<std::string, std::pair<std::string, std::string>>;

Runs runs_of(const Worker& worker) {
  Runs runs;
  for (const Worker::Kept& kept : worker.runs()) {
    runs[kept.run_id] = {kept.idle ? "idle" : "running", kept.phase};
  }
  return runs;
}

Runs runs_of(const Hbmond& monitor, const std::string& agent_id) {
  StatusClient client{monitor.endpoints().status, time_limit};
  const auto answer = client.ask(AgentRequest{agent_id, std::nullopt});
  Runs runs;
  if (const auto* reply = std::get_if<AgentReply>(&answer)) {
    for (const RunDetail& run : reply->runs) {
      runs[run.run_id] = {run.status, run.phase};
    }
  }
  return runs;
}

// The runs in flight, as the agents left them.
void check_runs_in_flight(const Hbmond& monitor, const std::deque<Worker>& workers) {
  for (const Worker& worker : workers) {
    INFO(worker.agent_id());
    const Runs expected = runs_of(worker);
    Runs told;
    const auto deadline = std::chrono::steady_clock::now() + time_limit / 4;
    do {
      told = runs_of(monitor, worker.agent_id());
    } while (told != expected && std::chrono::steady_clock::now() < deadline);
    for (const auto& [run_id, state] : expected) {
      INFO("run " << run_id << " is " << state.first << " '" << state.second << "'");
      REQUIRE(told.contains(run_id));
      CHECK(told.at(run_id) == state);
    }
    CHECK(told.size() == expected.size());
  }
}

// Every change was handed on, in order and in the words in which it was made.
void check_all_was_told(const Tape::Changes& changes, const std::deque<Worker>& workers) {
  Said told;
  std::uint64_t seq = 0;
  for (const auto& [its_seq, change] : changes) {
    REQUIRE(its_seq == ++seq);
    told[change.run].push_back(change.said);
  }
  std::size_t runs = 0;
  for (const Worker& worker : workers) {
    runs += worker.said().size();
    for (const auto& [run, said] : worker.said()) {
      INFO(run);
      REQUIRE(told[run] == said);
    }
  }
  CHECK(told.size() == runs);
}

// What was said shortly before a connection's end may have died in a queue: it must have been
// handed on again, by the connections that followed.
void check_none_died_on_its_way(const Tape& tape, const Tape::Changes& changes) {
  // The client keeps them 5 s; so much may pass between the end and its next look at the clock.
  constexpr Duration tolerance{1'000};
  const Tape::Ends ends = tape.ends();
  std::size_t lost = 0;
  for (const auto& [seq, change] : changes) {
    const auto end = ends.at(change.connection);
    if (end && *end - change.sent_at < Duration{5'000} - tolerance) {
      ++lost;
    }
  }
  CHECK(lost == 0);
  CHECK(tape.mistakes() == 0);
}

// The last monitor knows how those ended that it was told of from their beginning.
void check_tombstones(const Hbmond& monitor, const Tape& tape, const Tape::Changes& changes) {
  const std::size_t last = tape.ends().rbegin()->first;
  std::set<std::string> begun;
  for (const auto& [seq, change] : changes) {
    if (change.connection == last && change.said == "register") {
      begun.insert(change.run);
    }
  }
  StatusClient client{monitor.endpoints().status, time_limit};
  std::size_t checked = 0;
  for (const auto& [seq, change] : changes) {
    const bool ends = change.said.starts_with("unregister ");
    if (!ends || change.connection != last || !begun.contains(change.run)) {
      continue;
    }
    INFO(change.run << ' ' << change.said);
    const std::size_t slash = change.run.find('/');
    const auto answer =
        client.ask(AgentRequest{change.run.substr(0, slash), change.run.substr(slash + 1)});
    const auto* error = std::get_if<Error>(&answer);
    REQUIRE(error != nullptr);
    REQUIRE("unregister " + error->outcome.value_or("(unknown)") == change.said);
    ++checked;
  }
  CHECK(checked > 0);
}

TEST_CASE("64 threads with 10,000 runs lose no state change over 20 restarts and 20 cuts") {
  constexpr int threads_max = 64;
  constexpr std::size_t runs_each = 10'000 / threads_max + 1;
  Hbmond monitor;
  AgentClientOptions options;
  options.events = monitor.endpoints().events + "-cable";
  options.beat_interval = Duration{200};
  options.linger = time_limit;
  options.changes_max = 1'000'000;  // connections end so fast here that all are kept
  Tape tape;
  Cable cable{options.events, monitor.endpoints().events, &tape};
  AgentClient client{options};
  std::deque<Worker> workers;
  for (int number = 0; number < threads_max; ++number) {
    workers.emplace_back(client, number, runs_each);
  }
  std::atomic<bool> over = false;
  std::atomic<int> round = 0;
  std::vector<std::thread> threads;
  for (Worker& worker : workers) {
    threads.emplace_back([&over, &round, &worker] {
      constexpr int steps_each_round = 60;  // however slow the machine is
      for (int steps = 0; !over; std::this_thread::sleep_for(Duration{10})) {
        if (steps < (round + 1) * steps_each_round) {
          worker.step();
          ++steps;
        }
      }
    });
  }
  const auto connected_afresh = [&](std::uint64_t before) {
    wait_until([&] {
      const auto counts = client.counts();
      return counts.subscriptions_total > before && counts.connected && counts.changes_waiting == 0;
    });
  };
  connected_afresh(0);
  for (; round < 20; ++round) {
    auto before = client.counts().subscriptions_total;
    if (round % 2 == 0) {
      monitor.kill();
    } else {
      CHECK(monitor.stop(time_limit) == 0);
    }
    monitor.start();
    connected_afresh(before);
    before = client.counts().subscriptions_total;
    cable.cut();
    connected_afresh(before);
  }
  over = true;
  for (std::thread& thread : threads) {
    thread.join();
  }
  check_runs_in_flight(monitor, workers);
  CHECK(counter(monitor, "runs_in_flight") == threads_max * runs_each);
  CHECK(client.counts().changes_dropped_total == 0);
  CHECK(client.counts().changes_displaced_total == 0);
  wait_until([&] { return tape.size() >= client.counts().changes_sent_total; });
  const Tape::Changes changes = tape.changes();
  check_all_was_told(changes, workers);
  check_none_died_on_its_way(tape, changes);
  check_tombstones(monitor, tape, changes);
}

}  // namespace
}  // namespace heartbeat::test
