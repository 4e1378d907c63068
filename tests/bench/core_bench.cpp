// What an event, a quiet turn, an expiry, a decode and a status reply cost. Read by people; no test
// asserts a time. Build with -DHEARTBEAT_BENCH=ON in a release build.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <msgpack.hpp>
#include <random>
#include <string>
#include <vector>

#include "core/fleet.hpp"
#include "daemon/alert_log.hpp"
#include "daemon/health.hpp"
#include "daemon/status.hpp"
#include "wire/decode.hpp"
#include "wire/encode.hpp"

namespace heartbeat {
namespace {

constexpr std::size_t group = 64;        // events folded together, as one turn of the loop does
constexpr std::size_t sources = 50'000;  // sending processes; each speaks for some of the agents
constexpr Instant start{Duration{1'000'000}};

core::Limits room_for(std::size_t runs) {
  core::Limits limits;
  limits.runs_max = std::max(limits.runs_max, runs);
  return limits;
}

double seconds(std::chrono::steady_clock::duration taken) {
  return std::chrono::duration<double>(taken).count();
}

// The names of agents and sources, and a seq for each source.
class Population {
 public:
  explicit Population(std::size_t agents) : agents_(agents), sources_(std::min(agents, sources)) {
    for (std::size_t i = 0; i < agents_.size(); ++i) {
      agents_[i] = "agent-" + std::to_string(i);
    }
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      sources_[i] = {"source-" + std::to_string(i), 0};
    }
  }

  std::size_t size() const { return agents_.size(); }

  Event event(EventKind kind, std::size_t agent) {
    Source& source = sources_[agent % sources_.size()];
    Event made;
    made.kind = kind;
    made.agent_id = agents_[agent];
    made.run_id = "run-1";
    made.source = source.name;
    made.seq = ++source.seq;
    return made;
  }

  void register_all(core::Fleet& fleet, Instant now) {
    core::Transitions out;
    std::vector<Event> events;
    for (std::size_t agent = 0; agent < agents_.size(); ++agent) {
      events.push_back(event(EventKind::register_, agent));
      if (events.size() == group || agent + 1 == agents_.size()) {
        fleet.fold(events, now, out);
        events.clear();
      }
    }
  }

 private:
  struct Source {
    std::string name;
    std::uint64_t seq = 0;
  };
  std::vector<std::string> agents_;
  std::vector<Source> sources_;
};

// Only the fold is timed: making up the events is not the monitor's work.
void fold_activity(benchmark::State& state) {
  Population population{static_cast<std::size_t>(state.range(0))};
  core::Fleet fleet{room_for(population.size())};
  population.register_all(fleet, start);
  std::mt19937_64 random{1};
  std::uniform_int_distribution<std::size_t> any_agent{0, population.size() - 1};
  std::array<Event, group> events;
  core::Transitions out;
  Instant now = start;
  std::int64_t turn = 0;
  for (auto _ : state) {
    for (Event& event : events) {
      event = population.event(EventKind::activity, any_agent(random));
    }
    now += Duration{++turn % 64 == 0 ? 1 : 0};
    const auto before = std::chrono::steady_clock::now();
    fleet.fold(events, now, out);
    state.SetIterationTime(seconds(std::chrono::steady_clock::now() - before));
  }
  const auto folded = static_cast<double>(state.iterations()) * static_cast<double>(group);
  state.counters["per_event"] =
      benchmark::Counter(folded, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(fold_activity)->RangeMultiplier(10)->Range(1'000, 10'000'000)->UseManualTime();

// The resident memory of this program.
double resident_bytes() {
  std::size_t total_pages = 0;
  std::size_t resident_pages = 0;
  std::ifstream{"/proc/self/statm"} >> total_pages >> resident_pages;
  return static_cast<double>(resident_pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// Runs as they are in practice: names of 14 bytes, a task, a source and a seq. To be run alone, in
// a process that has not used its memory for anything else yet.
void bytes_per_run(benchmark::State& state) {
  const auto runs = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    const double before = resident_bytes();
    core::Limits limits;
    limits.runs_max = runs;
    core::Fleet fleet{limits};
    core::Transitions out;
    for (std::size_t run = 0; run < runs; ++run) {
      const std::string number = std::to_string(10'000'000 + run);
      const std::string agent_id = "agent-" + number;
      const std::string task_id = "TASK-" + number;
      const std::string source = number.substr(number.size() - 4);
      Event event;
      event.kind = EventKind::register_;
      event.agent_id = agent_id;
      event.task_id = task_id;
      event.source = source;
      event.seq = run / 10'000 + 2;
      fleet.fold({&event, 1}, start, out);
    }
    state.counters["bytes_per_run"] = (resident_bytes() - before) / static_cast<double>(runs);
    if (fleet.runs_in_flight() != runs) {
      state.SkipWithError("not every run was registered");
    }
  }
}
BENCHMARK(bytes_per_run)->Arg(1'000'000)->Iterations(1)->Unit(benchmark::kMillisecond);

// Must not grow with the number of runs.
void advance_with_nothing_due(benchmark::State& state) {
  Population population{static_cast<std::size_t>(state.range(0))};
  core::Fleet fleet{core::Limits{}};
  population.register_all(fleet, start);
  core::Transitions out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(fleet.next_deadline());
    fleet.advance(start + Duration{1'000}, start + Duration{1'000}, group, out);
  }
  if (!out.empty()) {
    state.SkipWithError("something was due");
  }
}
BENCHMARK(advance_with_nothing_due)->Arg(1'000)->Arg(1'000'000);

// All runs end at once: the whole of it, in steps as the loop takes them.
void expire_all(benchmark::State& state) {
  for (auto _ : state) {
    Population population{static_cast<std::size_t>(state.range(0))};
    core::Fleet fleet{room_for(population.size())};
    population.register_all(fleet, start);
    const Instant now = start + fleet.limits().timeout_threshold_ms + Duration{1};
    core::Transitions out;
    std::size_t fired = 0;
    const auto before = std::chrono::steady_clock::now();
    while (fleet.next_deadline() && *fleet.next_deadline() < now) {
      fleet.advance(now, now, 1'000, out);
      fired += out.size();
      out.clear();
    }
    state.SetIterationTime(seconds(std::chrono::steady_clock::now() - before));
    if (fired != population.size() || fleet.runs_in_flight() != 0) {
      state.SkipWithError("not every run ended");
    }
  }
}
BENCHMARK(expire_all)
    ->RangeMultiplier(10)
    ->Range(1'000, 10'000'000)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

std::string typical_event() {
  Event event;
  event.agent_id = "developer-agent-17";
  event.run_id = "8f3a2c91";
  event.task_id = "TASK-1234";
  event.progress = 42;
  event.source = "6b1f09aa";
  event.seq = 123'456;
  std::string payload;
  wire::encode(event, payload);
  return payload;
}

void decode_event(benchmark::State& state) {
  const std::string payload = typical_event();
  wire::EventDecoder decoder;
  for (auto _ : state) {
    decoder.clear();
    benchmark::DoNotOptimize(decoder.decode(payload).data());
  }
  if (decoder.decode(payload).front().rejected) {
    state.SkipWithError("the event was rejected");
  }
  state.counters["bytes"] = static_cast<double>(payload.size());
}
BENCHMARK(decode_event);

// What merely walking over the same bytes costs: the floor for any decoder on msgpack-cxx.
void parse_event_bare(benchmark::State& state) {
  const std::string payload = typical_event();
  for (auto _ : state) {
    msgpack::null_visitor visitor;
    benchmark::DoNotOptimize(msgpack::parse(payload.data(), payload.size(), visitor));
  }
}
BENCHMARK(parse_event_bare);

// Counts are kept, not counted: a million runs must not show.
void status_reply(benchmark::State& state) {
  Population population{static_cast<std::size_t>(state.range(0))};
  core::Fleet fleet{core::Limits{}};
  population.register_all(fleet, start);
  const daemon::AlertLog alerts{daemon::make_epoch(), 1'000};
  const daemon::Health health{};
  const daemon::StatusDesk desk{fleet, alerts, health};
  const daemon::Moment moment{start + Duration{1'000}, WallTime{Duration{1'700'000'000'000}}};
  std::string request;
  wire::encode_request(StatusRequest{}, request);
  std::string reply;
  for (auto _ : state) {
    reply.clear();
    if (!desk.answer(request, moment, reply)) {
      state.SkipWithError("the reply is an error");
    }
    benchmark::DoNotOptimize(reply.data());
  }
  state.counters["bytes"] = static_cast<double>(reply.size());
}
BENCHMARK(status_reply)->Arg(1'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace heartbeat
