// Which agent types and outcomes have labels, and what becomes of the counts of the others.
#include "core/run_types.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace heartbeat::core {
namespace {

constexpr std::array<std::uint64_t, 3> three_bounds{10, 20, 30};

Instant at(std::int64_t ms) { return Instant{Duration{ms}}; }

using ByLabel = std::map<std::string, RunTypes::Counts>;

ByLabel listed(const RunTypes& types) {
  ByLabel all;
  types.each([&](std::string_view label, const RunTypes::Counts& counts) {
    INFO(label);
    REQUIRE(all.emplace(label, counts).second);
  });
  return all;
}

std::uint64_t ended(const RunTypes::Counts& counts) { return counts.ended_ms.cumulative().back(); }

std::map<std::string, std::uint64_t> listed(const Outcomes& outcomes) {
  std::map<std::string, std::uint64_t> all;
  outcomes.each([&](std::string_view label, std::uint64_t count) {
    REQUIRE(all.emplace(label, count).second);
  });
  return all;
}

// Runs of a type, one after the other.
void run(RunTypes& types, const std::string& type, Duration ran, int times = 1) {
  for (int time = 0; time < times; ++time) {
    const RunTypes::Index index = types.join(type, false);
    types.leave(index, false);
    types.count_ended(index, ran);
  }
}

}  // namespace

TEST_CASE("a histogram's bound belongs to the values below it, and what exceeds all is counted") {
  Histogram<three_bounds> histogram;
  for (const std::uint64_t value : {0U, 10U, 11U, 30U, 31U, 1'000U}) {
    histogram.add(value);
  }
  CHECK(histogram.cumulative() == std::array<std::uint64_t, 4>{2, 3, 4, 6});
  CHECK(histogram.sum() == 1'082);
}

TEST_CASE("runs are counted by type and status, and ended ones by how long they ran") {
  RunTypes types;
  const auto coder = types.join("coder", false);
  const auto writer = types.join("writer", true);
  CHECK(types.join("coder", false) == coder);
  types.change_status(coder, true);
  types.become_stale(coder);
  types.leave(writer, true);
  types.count_ended(writer, Duration{5'001});
  const ByLabel all = listed(types);
  REQUIRE(all.size() == 2);
  CHECK(all.at("coder").running == 1);
  CHECK(all.at("coder").idle == 1);
  CHECK(all.at("coder").stale == 1);
  CHECK(ended(all.at("coder")) == 0);
  CHECK(all.at("writer").running + all.at("writer").idle == 0);
  CHECK(all.at("writer").ended_ms.cumulative() ==
        std::array<std::uint64_t, RunDurations::size>{0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  CHECK(all.at("writer").ended_ms.sum() == 5'001);
}

TEST_CASE("no type is `none`, also where one is called so, and `other` is never a type's own") {
  RunTypes types;
  types.join("", false);
  types.join("none", false);
  types.join("other", true);
  const ByLabel all = listed(types);
  REQUIRE(all.size() == 2);
  CHECK(all.at("none").running == 2);
  CHECK(all.at("other").idle == 1);
  Outcomes outcomes;
  for (const char* outcome : {"", "none", "other", "done"}) {
    outcomes.count(outcome);
  }
  CHECK(listed(outcomes) ==
        std::map<std::string, std::uint64_t>{{"none", 2}, {"done", 1}, {"other", 1}});
}

TEST_CASE("a larger type takes the label of a smaller one, whose next ends are `other`") {
  RunTypes types(2);
  run(types, "a", Duration{1}, 5);
  run(types, "b", Duration{2}, 3);
  run(types, "c", Duration{3}, 2);
  types.choose_labels(at(0));
  ByLabel all = listed(types);
  CHECK(ended(all.at("a")) == 5);
  CHECK(ended(all.at("b")) == 3);
  CHECK(ended(all.at("other")) == 2);

  run(types, "c", Duration{3}, 2);
  types.choose_labels(at(999));
  INFO("not before a second has passed");
  CHECK(listed(types).contains("b"));
  types.choose_labels(at(1'000));
  all = listed(types);
  REQUIRE_FALSE(all.contains("b"));
  CHECK(ended(all.at("a")) == 5);
  CHECK(ended(all.at("c")) == 0);
  CHECK(ended(all.at("other")) == 4);
  CHECK(all.at("other").ended_ms.sum() == 4 * 3);

  run(types, "c", Duration{3});
  run(types, "b", Duration{2}, 9);
  types.choose_labels(at(2'000));
  all = listed(types);
  INFO("and back: it begins at 0");
  CHECK(ended(all.at("b")) == 0);
  CHECK(ended(all.at("a")) == 5);
  CHECK(ended(all.at("other")) == 4 + 9);
}

TEST_CASE("runs in flight weigh as much as ended ones, and those less with each hour") {
  RunTypes types(1);
  run(types, "gone", Duration{1}, 5);
  for (int runs = 0; runs < 3; ++runs) {
    types.join("here", false);
  }
  types.choose_labels(at(0));
  CHECK(listed(types).contains("gone"));
  types.choose_labels(at(3'599'999));
  CHECK(listed(types).contains("gone"));
  types.choose_labels(at(3'601'000));
  const ByLabel all = listed(types);
  CHECK(all.at("here").running == 3);
  CHECK_FALSE(all.contains("gone"));
}

TEST_CASE("types that are as large change no labels") {
  RunTypes types(1);
  types.join("one", false);
  types.join("another", false);
  for (int second = 0; second < 5; ++second) {
    types.choose_labels(at(second * 1'000));
    CHECK(listed(types).contains("one"));
  }
}

TEST_CASE("a large type has a label, however many types had runs before it") {
  RunTypes types;
  std::vector<RunTypes::Index> single;
  for (int type = 0; type < 1'000; ++type) {
    single.push_back(types.join("type " + std::to_string(type), false));
  }
  for (int runs = 0; runs < 900; ++runs) {
    types.join("coder", false);
  }
  types.choose_labels(at(0));
  ByLabel all = listed(types);
  REQUIRE(all.size() == 51);
  REQUIRE(all.contains("coder"));
  CHECK(all.at("coder").running == 900);
  CHECK(all.at("other").running == 1'000 - 49);

  for (const RunTypes::Index index : single) {
    types.leave(index, false);
    types.count_ended(index, Duration{1});
  }
  for (int runs = 0; runs < 900; ++runs) {
    types.join("writer", true);
  }
  types.choose_labels(at(1'000));
  all = listed(types);
  REQUIRE(all.contains("writer"));
  CHECK(all.at("writer").idle == 900);
  CHECK(all.at("coder").running == 900);
  CHECK(all.at("other").running == 0);
}

TEST_CASE("a large outcome has a label, however many outcomes there were before it") {
  Outcomes outcomes;
  for (int outcome = 0; outcome < 1'000; ++outcome) {
    outcomes.count("outcome " + std::to_string(outcome));
  }
  for (int time = 0; time < 900; ++time) {
    outcomes.count("done");
  }
  outcomes.choose_labels(at(0));
  auto all = listed(outcomes);
  REQUIRE(all.contains("done"));
  INFO("what it had before is in `other`");
  CHECK(all.at("done") == 0);
  CHECK(all.at("other") == 950 + 900);
  outcomes.count("done");
  all = listed(outcomes);
  CHECK(all.at("done") == 1);
}

TEST_CASE("who gives its place to a new type has its runs in `other`, until they end there") {
  RunTypes types(1, 2);
  const auto a = types.join("a", false);
  const auto b = types.join("b", false);
  types.become_stale(b);
  const auto c = types.join("c", true);
  REQUIRE(c != Labels::other);
  ByLabel all = listed(types);
  CHECK(all.at("a").running == 1);
  CHECK(all.at("other").running == 1);
  CHECK(all.at("other").idle == 1);
  CHECK(all.at("other").stale == 1);

  types.join("c", true);
  types.choose_labels(at(0));
  all = listed(types);
  REQUIRE(all.contains("c"));
  CHECK(all.at("c").idle == 2);
  CHECK(all.at("c").stale == 0);
  CHECK(all.at("other").running == 2);
  CHECK(all.at("other").stale == 1);

  types.change_status(b, true);
  types.become_fresh(b);
  all = listed(types);
  CHECK(all.at("c").idle == 2);
  CHECK(all.at("other").running == 1);
  CHECK(all.at("other").idle == 1);
  CHECK(all.at("other").stale == 0);

  types.leave(b, true);
  types.count_ended(b, Duration{1});
  types.leave(a, false);
  types.count_ended(a, Duration{1});
  types.leave(c, true);
  types.count_ended(c, Duration{1});
  all = listed(types);
  CHECK(all.at("c").idle == 1);
  CHECK(ended(all.at("c")) == 1);
  CHECK(all.at("other").running + all.at("other").idle == 0);
  CHECK(ended(all.at("other")) == 2);
}

TEST_CASE("a new type weighs nothing of what had its place") {
  RunTypes types(1, 2);
  for (const char* type : {"a", "b", "a", "b"}) {
    types.join(type, false);
  }
  types.join("c", false);
  types.choose_labels(at(0));
  const ByLabel all = listed(types);
  CHECK(all.contains("a"));
  CHECK(all.at("other").running == 3);
}

TEST_CASE("a flood of types takes the places of the smaller half, once between two choices") {
  RunTypes types(1, 8);
  for (int type = 1; type <= 8; ++type) {
    run(types, "type " + std::to_string(type), Duration{1}, type);
  }
  for (int second = 0; second < 3; ++second) {
    types.choose_labels(at(second * 1'000));
    for (int type = 0; type < 4; ++type) {
      CHECK(types.join(std::to_string(second) + " " + std::to_string(type), false) !=
            Labels::other);
    }
    CHECK(types.join("one more", false) == Labels::other);
  }
  INFO("the largest of the other half weighs as before");
  run(types, "type 7", Duration{1}, 2);
  types.choose_labels(at(3'000));
  CHECK(listed(types).contains("type 7"));
}

TEST_CASE("a type that grew since the smallest were looked for keeps its place") {
  RunTypes types(1, 4);
  for (const char* type : {"a", "b", "c", "d"}) {
    run(types, type, Duration{1});
  }
  REQUIRE(types.join("e", false) != Labels::other);  // in the place of `b`
  for (int runs = 0; runs < 5; ++runs) {
    types.join("c", false);
  }
  CHECK(types.join("f", false) == Labels::other);
  types.choose_labels(at(0));
  const ByLabel all = listed(types);
  REQUIRE(all.contains("c"));
  CHECK(all.at("c").running == 5);
}

TEST_CASE("of types that are as large the eldest goes first, so that a new one has time to grow") {
  RunTypes types(1, 100);
  int others = 0;
  for (int second = 0; second < 60; ++second) {
    for (int type = 0; type < 10; ++type) {
      run(types, "type " + std::to_string(++others), Duration{1});
      if (type == 5 && second >= 30 && second % 5 == 0) {
        run(types, "coder", Duration{1});
      }
    }
    types.choose_labels(at(second * 1'000));
  }
  CHECK(listed(types).contains("coder"));
}

TEST_CASE("of 60 outcomes the 50 largest have labels, and the others are together what they are") {
  Outcomes outcomes;
  for (int kind = 1; kind <= 60; ++kind) {
    for (int time = 0; time < kind; ++time) {
      outcomes.count("outcome " + std::to_string(kind));
    }
  }
  outcomes.choose_labels(at(0));
  const auto all = listed(outcomes);
  REQUIRE(all.size() == 51);
  CHECK_FALSE(all.contains("outcome 10"));
  CHECK(all.contains("outcome 11"));
  const std::uint64_t sum = std::accumulate(
      all.begin(), all.end(), std::uint64_t{0},
      [](std::uint64_t so_far, const auto& entry) { return so_far + entry.second; });
  // What the ten smallest had counted went with their labels.
  CHECK(sum == 60 * 61 / 2 - 10 * 11 / 2);
}

TEST_CASE(
    "whatever gains and loses labels: gauges are exact, no count falls, and each end is seen "
    "once") {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](std::size_t bound) -> std::size_t { return random() % bound; };
    RunTypes types(3, 8);
    Outcomes outcomes(3, 8);
    struct Flying {
      std::string name;
      RunTypes::Index index;
      bool idle;
      bool stale;
    };
    std::vector<Flying> flying;
    std::uint64_t ended_count = 0;
    std::uint64_t seen = 0;  // by who looks at each step and takes differences
    std::uint64_t outcomes_seen = 0;
    ByLabel before;
    std::map<std::string, std::uint64_t> outcomes_before;
    Instant now = at(0);
    for (int step = 0; step < 2'000; ++step) {
      const std::string name = "t" + std::to_string(below(1 + below(14)));
      switch (below(5)) {
        case 0:
        case 1:
          flying.push_back({name, types.join(name, step % 2 == 0), step % 2 == 0, false});
          break;
        case 2:
          if (!flying.empty()) {
            Flying& run = flying[below(flying.size())];
            run.stale ? types.become_fresh(run.index) : types.become_stale(run.index);
            run.stale = !run.stale;
            run.idle = !run.idle;
            types.change_status(run.index, run.idle);
          }
          break;
        case 3:
          if (!flying.empty()) {
            const auto which = flying.begin() + static_cast<std::ptrdiff_t>(below(flying.size()));
            if (which->stale) {
              types.become_fresh(which->index);
            }
            types.leave(which->index, which->idle);
            types.count_ended(which->index, Duration{step});
            outcomes.count(name);
            ++ended_count;
            flying.erase(which);
          }
          break;
        case 4:
          now += Duration{below(100) == 0 ? 3'600'000 : 400};
          types.choose_labels(now);
          outcomes.choose_labels(now);
          break;
      }
      const auto flying_as = [&](auto member) {
        return static_cast<std::size_t>(std::ranges::count_if(flying, member));
      };
      RunTypes::Counts sum;
      const ByLabel all = listed(types);
      REQUIRE(all.size() <= 4);
      for (const auto& [label, counts] : all) {
        sum.running += counts.running;
        sum.idle += counts.idle;
        sum.stale += counts.stale;
        // Those that began before it had its place are in `other`.
        REQUIRE((label == "other" ||
                 counts.running + counts.idle <=
                     flying_as([&](const Flying& run) { return run.name == label; })));
        const auto was = before.find(label);
        seen += ended(counts) - (was == before.end() ? 0 : ended(was->second));
        // One that had lost its label and has it again begins at 0.
        REQUIRE((was == before.end() || ended(counts) >= ended(was->second)));
        REQUIRE((was != before.end() || label == "other" || ended(counts) <= 1));
      }
      const auto all_outcomes = listed(outcomes);
      for (const auto& [label, count] : all_outcomes) {
        const auto was = outcomes_before.find(label);
        REQUIRE((was == outcomes_before.end() || count >= was->second));
        outcomes_seen += count - (was == outcomes_before.end() ? 0 : was->second);
      }
      REQUIRE(sum.idle == flying_as([](const Flying& run) { return run.idle; }));
      REQUIRE(sum.running + sum.idle == flying.size());
      REQUIRE(sum.stale == flying_as([](const Flying& run) { return run.stale; }));
      REQUIRE(seen == ended_count);
      REQUIRE(outcomes_seen == ended_count);
      before = all;
      outcomes_before = all_outcomes;
    }
  }
}

}  // namespace heartbeat::core
