#include <algorithm>

#include "listing.hpp"
#include "support/catch.hpp"
#include "telling/run_state.hpp"

namespace heartbeat::hbgate {
namespace {

RunRow run(const std::string& agent_id, Duration idle, Duration stale_in, Duration timeout_in) {
  RunRow row;
  row.agent_id = agent_id;
  row.status = "running";
  row.idle_for_ms = idle;
  row.stale_in_ms = stale_in;
  row.timeout_in_ms = timeout_in;
  row.stale = stale_in == Duration{0};
  return row;
}

// Of five runs: two are stale, one is near its timeout, one waits for work.
Listing five() {
  Listing listing;
  listing.rows = {
      run("calm", Duration{1}, Duration{900}, Duration{9'000}),
      run("stale-1", Duration{2'000}, Duration{0}, Duration{5'000}),
      run("stale-2", Duration{3'000}, Duration{0}, Duration{100}),
      run("old", Duration{2}, Duration{899}, Duration{50}),
      run("waits", Duration{4}, Duration{500}, Duration{8'000}),
  };
  listing.rows[4].status = "idle";
  listing.rows[0].agent_type = "coder";
  listing.rows[1].agent_type = "coder";
  listing.rows[2].task_id = "Fix-42";
  listing.rows[3].detail = "reads mail";
  listing.rows[4].lost_events = 7;
  std::sort(listing.rows.begin(), listing.rows.end(), telling::more_urgent);
  return listing;
}

std::vector<std::string> names(const Ranked& ranked) {
  std::vector<std::string> out;
  for (const RunRow* row : ranked.rows) {
    out.push_back(row->agent_id);
  }
  return out;
}

std::vector<std::string> ranked(const Ranking& by) {
  const Listing listing = five();
  return names(rank(listing, by));
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("who needs attention comes first: stale by silence, then by the nearest deadline") {
  CHECK(ranked({}) == Names{"stale-2", "stale-1", "old", "waits", "calm"});
  CHECK(ranked({.sort = "-attention"}) == Names{"calm", "waits", "old", "stale-1", "stale-2"});
}

TEST_CASE("rows are sorted by any column, alike ones by urgency") {
  CHECK(ranked({.sort = "agent_id"}) == Names{"calm", "old", "stale-1", "stale-2", "waits"});
  CHECK(ranked({.sort = "-idle_for_ms"}) == Names{"stale-2", "stale-1", "waits", "old", "calm"});
  CHECK(ranked({.sort = "deadline_in_ms"}) == Names{"stale-2", "stale-1", "old", "waits", "calm"});
  CHECK(ranked({.sort = "status"}) == Names{"stale-2", "stale-1", "waits", "old", "calm"});
  CHECK(ranked({.sort = "-lost_events"}) == Names{"waits", "stale-2", "stale-1", "old", "calm"});
  CHECK(ranked({.sort = "-agent_type"}) == Names{"stale-1", "calm", "stale-2", "old", "waits"});
  for (const std::string& column : sort_columns()) {
    INFO(column);
    CHECK(ranked({.sort = column}).size() == 5);
  }
}

TEST_CASE("rows are filtered and searched, and the total counts those that match") {
  CHECK(ranked({.status = "stale"}) == Names{"stale-2", "stale-1"});
  CHECK(ranked({.status = "idle"}) == Names{"waits"});
  CHECK(ranked({.agent_type = "coder"}) == Names{"stale-1", "calm"});
  CHECK(ranked({.agent_type = "cod"}).empty());
  CHECK(ranked({.search = "fIX"}) == Names{"stale-2"});
  CHECK(ranked({.search = "mail"}) == Names{"old"});
  const Listing listing = five();
  const Ranked part = rank(listing, {.search = "a", .offset = 1, .limit = 2});
  CHECK(part.total == 5);
  CHECK(names(part) == Names{"stale-1", "old"});
}

TEST_CASE("a part beyond the end is empty") {
  CHECK(ranked({.offset = 5}).empty());
  CHECK(ranked({.offset = 4}) == Names{"calm"});
  CHECK(ranked({.sort = "agent_id", .offset = 1'000'000, .limit = 10}).empty());
}

}  // namespace heartbeat::hbgate
