// What hbctl watch shows, line by line.
#include <algorithm>
#include <utility>

#include "support/catch.hpp"
#include "watch/frame.hpp"
#include "watch/look.hpp"
#include "watch/terminal_text.hpp"

namespace heartbeat::hbctl::watch {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant start{Duration{1'000'000}};
constexpr Size wide{120, 20};
constexpr Size narrow{60, 15};

RunRow row(const std::string& agent_id, Duration idle_for, bool stale = false) {
  RunRow row;
  row.agent_id = agent_id;
  row.status = "running";
  row.stale = stale;
  row.idle_for_ms = idle_for;
  row.running_for_ms = minutes{2};
  row.stale_in_ms = stale ? Duration{} : minutes{5} - idle_for;
  row.timeout_in_ms = minutes{28};
  return row;
}

Snapshot snapshot_of(std::vector<RunRow> runs) {
  Snapshot snapshot;
  snapshot.at = start;
  snapshot.health.epoch = "e1";
  snapshot.health.version = "1.2.3";
  snapshot.health.uptime_ms = minutes{4};
  snapshot.counts.running = runs.size();
  snapshot.runs = std::move(runs);
  return snapshot;
}

// What the terminal would show of a monitor that has told this.
struct Shown {
  Known known{"tcp://127.0.0.1:5572", start};
  View view;
  Instant now = start;

  void told(Snapshot snapshot) { known.take({std::move(snapshot), now + seconds{1}}, now); }
  void silent() { known.take({"no answer within 2000 ms", now}, now); }

  Frame frame(Size size = wide) {
    settle(view, known, size, now);
    return draw(view, known, size, now);
  }
  std::vector<std::string> lines(Size size = wide) {
    std::vector<std::string> lines;
    for (const Line& line : frame(size).lines) {
      std::string text;
      for (const Piece& piece : line) {
        text += piece.text;
      }
      lines.push_back(text);
    }
    return lines;
  }
  // The line that has this in it, or "".
  std::string line_with(const std::string& part, Size size = wide) {
    for (const std::string& line : lines(size)) {
      if (line.find(part) != std::string::npos) {
        return line;
      }
    }
    return "";
  }
  bool shows(const std::string& part, Size size = wide) { return !line_with(part, size).empty(); }
  void press(Key::Code code, const std::string& text = "") {
    settle(view, known, wide, now);
    view.press({code, text}, known.snapshot() ? known.snapshot()->runs : std::vector<RunRow>{});
  }
};

}  // namespace

TEST_CASE("the header tells the monitor's health, the counts and the last alert") {
  use_unicode();
  Shown shown;
  Snapshot snapshot = snapshot_of({row("dev", seconds{3})});
  snapshot.counts = {.running = 49'000, .idle = 1'000, .stale = 12};
  snapshot.health.ingest_lag_ms = Duration{7};
  Alert alert;
  alert.seq = 17;
  alert.severity = "warning";
  alert.message = "Stale agent detected: dev idle for 3s";
  alert.run_id = "r1";
  alert.raised_at = WallTime{seconds{1'000}};
  snapshot.last_alert = alert;
  snapshot.told_at = WallTime{seconds{1'012}};
  shown.told(std::move(snapshot));
  CHECK(shown.line_with("tcp://").find("online  tcp://127.0.0.1:5572, up 4m00s, ingest lag 7ms, "
                                       "version 1.2.3, epoch e1") == 0);
  CHECK(shown.shows("50,000 in flight: 49,000 running, 1,000 idle; 12 stale"));
  CHECK(shown.shows("last alert 12s ago: Stale agent detected: dev idle for 3s, run r1"));
  shown.now += seconds{1};
  CHECK(shown.shows("last alert 13s ago"));
}

TEST_CASE("a narrow terminal shows who needs attention and why") {
  use_unicode();
  constexpr Size phone{40, 12};
  Shown shown;
  shown.known = Known{"ipc:///run/user/1000/heartbeat/monitor/status", start};
  const std::string who = "nightly-build-of-everything";
  Snapshot snapshot = snapshot_of({row(who, minutes{7}, true), row("planner", seconds{3})});
  Alert alert;
  alert.seq = 4;
  alert.severity = "warning";
  alert.message = "Stale agent detected: " + who + " idle for 420s";
  alert.raised_at = WallTime{seconds{1'000}};
  snapshot.last_alert = alert;
  snapshot.told_at = WallTime{seconds{1'012}};
  shown.told(std::move(snapshot));
  CHECK(shown.shows("online", phone));
  CHECK(shown.shows("last alert 12s ago  (warning #4)", phone));
  CHECK(shown.line_with("Stale agent detected", phone).find("nightly-build") == 22);
  const std::string first = shown.line_with("  stale  ", phone);
  CHECK(first.find("nightly-build-of-ev") == 0);
  CHECK(first.find("7m00s") != std::string::npos);
  CHECK(shown.line_with("planner", phone).find("running") != std::string::npos);
}

TEST_CASE("an overloaded monitor is called so") {
  use_unicode();
  Shown shown;
  Snapshot snapshot = snapshot_of({});
  snapshot.health.overloaded = true;
  shown.told(std::move(snapshot));
  CHECK(shown.shows("overloaded"));
  CHECK_FALSE(shown.shows("online"));
}

TEST_CASE("before the first answer nothing is claimed") {
  use_unicode();
  Shown shown;
  CHECK(shown.shows("asking"));
  CHECK_FALSE(shown.shows("NO ANSWER"));
  shown.now += seconds{4};
  shown.silent();
  CHECK(shown.shows("NO ANSWER for 4s: nothing is known (no answer within 2000 ms)"));
  CHECK_FALSE(shown.shows("in flight"));
}

TEST_CASE("what is old is never shown as if it were not") {
  use_unicode();
  Shown shown;
  shown.told(snapshot_of({row("dev", seconds{3}, true)}));
  const auto dim_row = [&] {
    const auto frame = shown.frame();
    const auto found = std::find_if(frame.lines.begin(), frame.lines.end(), [](const Line& line) {
      return line.front().text.rfind("dev", 0) == 0;
    });
    return found->front().style.dim;
  };
  shown.now += Duration{1'500};
  CHECK_FALSE(shown.shows("NO ANSWER"));
  CHECK_FALSE(dim_row());
  SECTION("the next answer is overdue") {
    shown.now += Duration{500};
    CHECK(shown.line_with("NO ANSWER").find("NO ANSWER: what is shown is 2s old") == 0);
  }
  SECTION("a question had no answer") {
    shown.silent();
    CHECK(shown.shows("NO ANSWER: what is shown is 1s old (no answer within 2000 ms)"));
  }
  CHECK(dim_row());
  CHECK(shown.shows("was online"));
  CHECK(shown.lines().front().find("NO ANSWER") == 0);
  shown.told(snapshot_of({row("dev", seconds{3})}));
  CHECK_FALSE(shown.shows("NO ANSWER"));
  CHECK_FALSE(dim_row());
}

TEST_CASE("a restart of the monitor is news for a minute") {
  use_unicode();
  Shown shown;
  shown.told(snapshot_of({}));
  Snapshot other = snapshot_of({});
  other.health.epoch = "e2";
  shown.told(other);
  CHECK(shown.shows("the monitor was restarted 0s ago"));
  shown.now += seconds{61};
  shown.told(std::move(other));
  CHECK_FALSE(shown.shows("restarted"));
}

TEST_CASE("of many runs it says how many are shown") {
  use_unicode();
  Shown shown;
  Snapshot snapshot = snapshot_of({row("dev", seconds{3})});
  shown.told(snapshot);
  CHECK(shown.line_with("all runs").find("all runs: 1 ") == 0);
  snapshot.counts.running = 50'000;
  snapshot.complete = false;
  shown.told(snapshot);
  CHECK(shown.shows("all runs: 1 of 50,000 shown, most urgent first"));
}

TEST_CASE("a filter says what it asks for, and claims nothing before the answer") {
  use_unicode();
  Shown shown;
  shown.told(snapshot_of({row("dev", seconds{3})}));
  shown.press(Key::Code::text, "/");
  shown.press(Key::Code::text, "d");
  shown.press(Key::Code::text, "e");
  CHECK(shown.shows("all runs, agent *de*: asking"));
  CHECK(shown.lines().back().find("filter: de ") == 0);
  const auto cursor = shown.frame().cursor;
  REQUIRE(cursor);
  CHECK(cursor->row == wide.rows - 1);
  CHECK(cursor->column == std::string("filter: de").size());
  Snapshot answer = snapshot_of({row("dev", seconds{3})});
  answer.wish = shown.view.wish();
  shown.told(answer);
  CHECK(shown.shows("all runs, agent *de*: 1 match"));
  answer.complete = false;
  shown.told(answer);
  CHECK(shown.shows("1 shown of more that match: all stale ones"));
}

TEST_CASE("the less important columns go where there is no room for them") {
  use_unicode();
  Shown shown;
  RunRow full = row("coder-1", seconds{3});
  full.run_id = "run-1";
  full.agent_type = "coder";
  full.phase = "tool:web_search";
  full.task_id = "T-1";
  full.detail = "step 1";
  shown.told(snapshot_of({full, row("coder-2", seconds{200}, true)}));
  const auto header = [&](std::size_t columns) { return shown.line_with("AGENT", {columns, 10}); };
  const auto has = [&](std::size_t columns, const std::string& name) {
    return header(columns).find(name) != std::string::npos;
  };
  for (const char* name : {"AGENT", "RUN ", "TYPE", "STATE", "PHASE", "TASK", "IDLE FOR",
                           "RUNNING FOR", "STALE IN", "TIMEOUT IN", "DETAIL"}) {
    CHECK(has(140, name));
  }
  for (const char* name : {"AGENT", "STATE", "IDLE FOR", "STALE IN", "TIMEOUT IN"}) {
    CHECK(has(60, name));
  }
  CHECK_FALSE(has(60, "DETAIL"));
  CHECK_FALSE(has(60, "TYPE"));
  CHECK_FALSE(has(30, "TIMEOUT IN"));
  CHECK(has(30, "IDLE FOR"));
  CHECK(shown.line_with("coder-1", wide).find("tool:web_search") != std::string::npos);
  CHECK(shown.line_with("coder-2", wide).find("passed") != std::string::npos);
  CHECK(shown.line_with("coder-2", wide).find("3m20s") != std::string::npos);
}

TEST_CASE("a column that no run has anything for is left out") {
  use_unicode();
  Shown shown;
  shown.told(snapshot_of({row("dev", seconds{3})}));
  for (const char* name : {"RUN ", "TYPE", "PHASE", "TASK", "DETAIL"}) {
    CHECK(shown.line_with("AGENT").find(name) == std::string::npos);
  }
}

TEST_CASE("every frame has exactly the terminal's lines and columns, whatever the texts are") {
  use_unicode();
  Shown shown;
  std::vector<RunRow> runs;
  for (int i = 0; i < 30; ++i) {
    RunRow hostile = row("\x1b]0;owned\x07\xff漢字\u202e" + std::to_string(i), seconds{i}, i < 2);
    hostile.detail = std::string(200, '\x1b') + "漢字漢字漢字漢字漢字";
    hostile.phase = "e\u0301\r\n\u009b";
    runs.push_back(hostile);
  }
  Snapshot snapshot = snapshot_of(runs);
  snapshot.last_alert.emplace().message = "\x1b[2J";
  snapshot.health.version = "\x1b[2J";
  snapshot.wish.open = name_of(runs[0]);
  RunDetail detail;
  static_cast<RunRow&>(detail) = runs[0];
  snapshot.open.emplace().run = detail;
  shown.told(snapshot);
  const auto check_sizes = [&] {
    for (std::size_t columns = 0; columns <= 130; columns += columns < 20 ? 1 : 11) {
      for (std::size_t rows = 0; rows <= 40; rows += rows < 12 ? 1 : 7) {
        const Frame frame = shown.frame({columns, rows});
        REQUIRE(frame.lines.size() == rows);
        for (const Line& line : frame.lines) {
          std::string text;
          for (const Piece& piece : line) {
            text += piece.text;
          }
          REQUIRE(harmless(text) == text);
          REQUIRE(columns_of(text) == columns);
        }
      }
    }
  };
  check_sizes();
  shown.silent();
  check_sizes();
  shown.press(Key::Code::text, "/");
  shown.press(Key::Code::text, "\x1b[2J");
  check_sizes();
  shown.press(Key::Code::escape);
  shown.press(Key::Code::end);
  check_sizes();
  shown.press(Key::Code::home);
  shown.press(Key::Code::enter);
  check_sizes();
  shown.press(Key::Code::text, "?");
  check_sizes();
}

TEST_CASE("the table shows the part around the selected run, and marks it") {
  use_unicode();
  Shown shown;
  std::vector<RunRow> runs;
  for (int i = 100; i < 200; ++i) {
    runs.push_back(row("dev-" + std::to_string(i), seconds{1}));
  }
  shown.told(snapshot_of(std::move(runs)));
  CHECK(shown.shows("dev-100", narrow));
  CHECK_FALSE(shown.shows("dev-199", narrow));
  shown.press(Key::Code::end);
  CHECK(shown.shows("dev-199", narrow));
  CHECK_FALSE(shown.shows("dev-100", narrow));
  for (const Line& line : shown.frame(narrow).lines) {
    const std::string& text = line.front().text;
    if (text.rfind("dev-", 0) == 0) {
      CHECK(line.front().style.reverse == (text.rfind("dev-199", 0) == 0));
    }
  }
}

TEST_CASE("an open run is told in full, with its limits and where they come from") {
  use_unicode();
  Shown shown;
  shown.told(snapshot_of({row("dev", seconds{3})}));
  shown.press(Key::Code::enter);
  CHECK(shown.shows("asking for dev"));
  Snapshot snapshot = snapshot_of({row("dev", seconds{3})});
  snapshot.wish = shown.view.wish();
  RunDetail detail;
  static_cast<RunRow&>(detail) = row("dev", seconds{3});
  detail.stale_after_ms = minutes{10};
  detail.stale_after_from = "promise";
  detail.timeout_after_ms = minutes{30};
  detail.timeout_after_from = "configuration";
  detail.lost_events = 4;
  detail.last_events.push_back({"activity", seconds{3}, WallTime{}});
  snapshot.open.emplace().run = detail;
  shown.told(snapshot);
  CHECK(shown.shows("(limit 10m, from promise)"));
  CHECK(shown.shows("(limit 30m, from configuration)"));
  CHECK(shown.shows("heard activity"));
  CHECK(shown.shows("4 lost, 0 rejected, 0 zombie"));

  SECTION("when it has ended, that is said, and how it was last seen") {
    Error& gone = snapshot.open.emplace().gone.emplace();
    gone.code = "not_found";
    gone.message = "agent dev: ended by timeout";
    shown.told(snapshot);
    CHECK(shown.shows("NOT IN FLIGHT: agent dev: ended by timeout"));
    CHECK(shown.shows("as it was last seen"));
    CHECK(shown.shows("heard activity"));
  }
}

TEST_CASE("the help names every key") {
  use_unicode();
  Shown shown;
  shown.press(Key::Code::text, "?");
  for (const char* key : {"Enter", "/ ", "s ", "Esc", "q ", "PgUp", "Ctrl-C", "Ctrl-Z", "Ctrl-L"}) {
    CHECK(shown.shows(key, {120, 40}));
  }
}

}  // namespace heartbeat::hbctl::watch
