// hbctl history, as a user runs it.
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "heartbeat/alert.hpp"
#include "support/catch.hpp"
#include "support/state_files.hpp"
#include "wire/encode.hpp"

namespace heartbeat::store {
namespace {

constexpr std::int64_t first_ms = 1'700'000'000'000;  // 2023-11-14T22:13:20Z

struct Ended {
  int code = -1;
  std::vector<std::string> lines;  // of both outputs
};

// In a shell, so the words must be quoted as for one.
Ended hbctl(const std::string& words, const std::string& environment = "TZ=UTC") {
  const std::string command =
      "env " + environment + " '" HEARTBEAT_BIN_DIR "/hbctl' " + words + " 2>&1";
  FILE* output = popen(command.c_str(), "r");
  REQUIRE(output != nullptr);
  std::string text;
  for (int c = fgetc(output); c != EOF; c = fgetc(output)) {
    text += static_cast<char>(c);
  }
  Ended ended;
  ended.code = WEXITSTATUS(pclose(output));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    ended.lines.push_back(line);
  }
  return ended;
}

AlertRecord published(std::uint64_t seq, const std::string& agent_id, WallTime raised_at,
                      const std::string& epoch = "e1") {
  Alert alert;
  alert.epoch = epoch;
  alert.seq = seq;
  alert.id = "e1-9";
  alert.severity = "warning";
  alert.kind = "stale";
  alert.agent_id = agent_id;
  alert.message = "Stale agent detected: " + agent_id + " idle for 301s";
  alert.raised_at = raised_at;
  AlertRecord record = alert_of(epoch, seq, raised_at);
  record.agent_id = agent_id;
  record.message = alert.message;
  record.payload.clear();
  wire::Encoder(record.payload).message(alert);
  return record;
}

// The monitor that writes `file`, with three alerts, a second apart.
class Writing {
 public:
  explicit Writing(const std::string& file) : monitor_(file) {
    const std::vector<std::string> agents{"dev-1", "pm", "dev-é"};
    for (std::uint64_t i = 0; i < agents.size(); ++i) {
      const auto ms = static_cast<std::int64_t>(i) * 1'000;
      monitor_.next.alerts.push_back(published(i + 1, agents[i], wall_at(first_ms + ms)));
    }
    monitor_.next.globals.alert_seq = agents.size();
    REQUIRE_FALSE(monitor_.write());
  }

 private:
  Monitor monitor_;
};

std::size_t lines_with(const Ended& ended, const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      ended.lines.begin(), ended.lines.end(),
      [&text](const std::string& line) { return line.find(text) != std::string::npos; }));
}

}  // namespace

TEST_CASE("hbctl history shows alerts, newest last, while the monitor writes and afterwards") {
  const Folder folder;
  const std::string state = "--state '" + folder.file() + "'";
  const auto check = [&state] {
    const Ended ended = hbctl("history " + state);
    CHECK(ended.code == 0);
    REQUIRE(ended.lines.size() == 4);
    CHECK(ended.lines[0].starts_with("RAISED"));
    CHECK(ended.lines[1] ==
          "2023-11-14 22:13:20  1    warning   stale  dev-1  -    Stale agent detected: dev-1 idle "
          "for 301s");
    CHECK(ended.lines[3].starts_with("2023-11-14 22:13:22  3"));
  };
  {
    const Writing monitor(folder.file());
    check();
  }
  check();
}

TEST_CASE("hbctl history names the epochs where a seq is of more than one") {
  const Folder folder;
  {
    Monitor monitor(folder.file());
    monitor.next.alerts = {published(7, "pm", wall_at(first_ms)),
                           published(1, "pm", wall_at(first_ms + 1'000), "e2")};
    REQUIRE_FALSE(monitor.write());
  }
  const Ended ended = hbctl("history --state '" + folder.file() + "'");
  REQUIRE(ended.lines.size() == 3);
  CHECK(ended.lines[0].starts_with("RAISED               EPOCH  SEQ"));
  CHECK(ended.lines[1].starts_with("2023-11-14 22:13:20  e1     7"));
  CHECK(ended.lines[2].starts_with("2023-11-14 22:13:21  e2     1"));
}

TEST_CASE("hbctl history --json prints each alert as hbctl alerts --json does") {
  const Folder folder;
  const Writing monitor(folder.file());
  const Ended ended = hbctl("history --json --state '" + folder.file() + "'");
  CHECK(ended.code == 0);
  REQUIRE(ended.lines.size() == 3);
  CHECK(ended.lines[0].starts_with(
      R"({"epoch":"e1","seq":1,"id":"e1-9","severity":"warning","kind":"stale","agent_id":"dev-1")"));
  CHECK(ended.lines[0].ends_with(R"("replayed":false,"source":"heartbeat-monitor"})"));
}

TEST_CASE("hbctl history --agent takes a glob, in which only * and ? are special") {
  const Folder folder;
  const Writing monitor(folder.file());
  const std::map<std::string, std::size_t> matches{{"dev-*", 2}, {"dev-?", 2}, {"pm", 1}, {"PM", 0},
                                                   {"*", 3},     {"[dp]*", 0}, {"?m", 1}, {"", 0}};
  for (const auto& [glob, count] : matches) {
    INFO(glob);
    const Ended ended = hbctl("history --state '" + folder.file() + "' --agent '" + glob + "'");
    CHECK(ended.code == 0);
    CHECK(lines_with(ended, "Stale agent") == count);
    CHECK(lines_with(ended, "no alerts that match") == (count == 0 ? 1 : 0));
  }
}

TEST_CASE("hbctl history --limit shows the newest that match, newest last") {
  const Folder folder;
  const Writing monitor(folder.file());
  const auto lines_of = [&folder](const std::string& words) {
    return hbctl("history --json --state '" + folder.file() + "' " + words).lines;
  };
  const std::vector<std::string> all = lines_of("");
  REQUIRE(all.size() == 3);
  CHECK(lines_of("--limit 2") == std::vector{all[1], all[2]});  // asked for: no complaint
  CHECK(lines_of("--limit 1 --agent 'dev-?' --since 2023-11-14") == std::vector{all[2]});
  CHECK(lines_of("--limit 1 --agent 'dev-1'") == std::vector{all[0]});
  CHECK(lines_of("--limit 4") == all);
  const Ended none = hbctl("history --state x --limit 0");
  CHECK(none.code == 2);
  CHECK(lines_with(none, "--limit: '0' is not a whole number of at least 1") == 1);
}

TEST_CASE("hbctl history --since takes a time, a date, seconds or milliseconds, or a duration") {
  const Folder folder;
  const Writing monitor(folder.file());
  const auto count_since = [&folder](const std::string& when, const std::string& zone) {
    const Ended ended =
        hbctl("history --state '" + folder.file() + "' --since '" + when + "'", "TZ=" + zone);
    CHECK(ended.code == 0);
    return lines_with(ended, "Stale agent");
  };
  const std::map<std::string, std::size_t> in_utc{{"2023-11-14T22:13:21Z", 2},
                                                  {"2023-11-14T22:13:21.001Z", 1},
                                                  {"2023-11-14T22:13:21.0Z", 2},
                                                  {"2023-11-14T22:13:20.999999Z", 2},
                                                  {"2023-11-14 22:13:21", 2},
                                                  {"2023-11-14 22:13", 3},
                                                  {"2023-11-14T23:13:21+01:00", 2},
                                                  {"2023-11-14T19:43:21-0230", 2},
                                                  {"2023-11-14", 3},
                                                  {"2023-11-15", 0},
                                                  {"1700000001", 2},
                                                  {"1700000001001", 1},
                                                  {"0", 3},
                                                  {"3650d", 3},
                                                  {"1h", 0},
                                                  {"2h30m", 0}};
  for (const auto& [when, count] : in_utc) {
    INFO(when);
    CHECK(count_since(when, "UTC") == count);
  }
  CHECK(count_since("2023-11-14 17:13:21", "EST5") == 2);
  CHECK(count_since("2023-11-14T22:13:21Z", "EST5") == 2);
}

TEST_CASE("hbctl history refuses moments that are none, with an example of one") {
  for (const char* when : {"yesterday", "2023-13-01", "2023-02-30", "2023-11-14T25:00",
                           "2023-11-14T22", "2023-11-14T22:13:21+1", "2h ago", "-5", "2023-11-14x",
                           "99999999999999999999", "2023-11-14T22:13:21.Z"}) {
    INFO(when);
    const Ended ended = hbctl("history --state x '--since=" + std::string(when) + "'");
    CHECK(ended.code == 2);
    REQUIRE(ended.lines.size() == 1);
    CHECK(ended.lines[0].find("'" + std::string(when) + "' is not a duration such as 2h") !=
          std::string::npos);
  }
}

TEST_CASE("hbctl history ends with code 2 and one line where the file cannot be used") {
  const Folder folder;
  std::ofstream(folder.file("text")) << "hello\n";
  for (const std::string& file : {folder.file("none"), folder.file("text"), folder.path()}) {
    INFO(file);
    const Ended ended = hbctl("history --state '" + file + "'");
    CHECK(ended.code == 2);
    REQUIRE(ended.lines.size() == 1);
    CHECK(ended.lines[0].starts_with("hbctl: --state " + file + ": "));
    const Ended json = hbctl("history --json --state '" + file + "'");
    CHECK(json.code == 2);
    REQUIRE(json.lines.size() == 1);
    CHECK(json.lines[0].starts_with(R"({"success":false,"error":{"code":"unusable","message":")" +
                                    file));
  }
  const Ended ended = hbctl("history");
  CHECK(ended.code == 2);
  CHECK(lines_with(ended, "--state is required") == 1);
}

TEST_CASE("hbctl history says where a payload is none") {
  const Folder folder;
  {
    Monitor monitor(folder.file());
    monitor.add_alert();
    monitor.next.alerts[0].payload = "x";
    REQUIRE_FALSE(monitor.write());
  }
  const Ended ended = hbctl("history --json --state '" + folder.file() + "'");
  CHECK(ended.code == 2);
  CHECK(lines_with(ended, "the payload of alert 1 of epoch e1 is no map") == 1);
}

}  // namespace heartbeat::store
