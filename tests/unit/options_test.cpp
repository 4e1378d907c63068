// Options of hbmond: which source wins, and that whatever is wrong is named with where it stood.
#include "daemon/options.hpp"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "support/catch.hpp"

namespace heartbeat::daemon {
namespace {

using Variables = Environment;

std::variant<Invocation, BadOption> read(std::vector<const char*> flags,
                                         const Variables& variables = {}) {
  flags.insert(flags.begin(), "hbmond");
  return read_options(static_cast<int>(flags.size()), flags.data(), variables);
}

Invocation accepted(std::vector<const char*> flags, const Variables& variables = {}) {
  auto result = read(std::move(flags), variables);
  if (const auto* bad = std::get_if<BadOption>(&result)) {
    FAIL(bad->message);
  }
  return std::get<Invocation>(std::move(result));
}

// The message of the refusal; it is one line and holds every one of `words`.
void refused(std::vector<const char*> flags, const Variables& variables,
             const std::vector<std::string>& words) {
  const auto result = read(std::move(flags), variables);
  REQUIRE(std::holds_alternative<BadOption>(result));
  const std::string& message = std::get<BadOption>(result).message;
  CAPTURE(message);
  CHECK(message.find('\n') == std::string::npos);
  for (const std::string& word : words) {
    CAPTURE(word);
    CHECK(message.find(word) != std::string::npos);
  }
}

// A configuration file for as long as this lives.
class File {
 public:
  explicit File(const std::string& text) {
    std::string path = (std::filesystem::temp_directory_path() / "hbmond-XXXXXX").string();
    const int descriptor = mkstemp(path.data());
    REQUIRE(descriptor >= 0);
    close(descriptor);
    std::ofstream(path) << text;
    path_ = path;
  }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::string& path() const { return path_; }
  Variables variables() const { return {{"HB_CONFIG", path_}}; }

 private:
  std::string path_;
};

TEST_CASE("without anything said the defaults hold") {
  const Options options = accepted({}).options;
  CHECK(options.endpoints.events == "tcp://127.0.0.1:5570");
  CHECK(options.endpoints.alerts == "tcp://127.0.0.1:5571");
  CHECK(options.endpoints.status == "tcp://127.0.0.1:5572");
  CHECK(options.limits.stale_threshold_ms.count() == 300'000);
  CHECK(options.limits.timeout_threshold_ms.count() == 1'800'000);
  CHECK(options.limits.check_interval_ms.count() == 30'000);
  CHECK(options.limits.tombstone_ms.count() == 3'600'000);
  CHECK(options.limits.runs_max == 1'000'000);
  CHECK(options.limits.stale_warning_only_once);
  CHECK(options.limits.stale_rearm);
  CHECK(options.limits.adopt_unknown);
  CHECK(options.alerts_kept == 100'000);
  CHECK_FALSE(options.insecure);
  CHECK_FALSE(options.config);
  CHECK(options.log_level == "info");
  CHECK(options.log_format == "text");
}

TEST_CASE("a flag beats the environment, that beats the file") {
  const File file("stale_threshold_ms = 1\ntimeout_threshold_ms = 10\ncheck_interval_ms = 100\n");
  Variables variables = file.variables();
  variables["HB_STALE_THRESHOLD_MS"] = "2";
  variables["HB_TIMEOUT_THRESHOLD_MS"] = "20";
  const Options options = accepted({"--stale-threshold-ms", "3"}, variables).options;
  CHECK(options.limits.stale_threshold_ms.count() == 3);
  CHECK(options.limits.timeout_threshold_ms.count() == 20);
  CHECK(options.limits.check_interval_ms.count() == 100);
  CHECK(options.config == file.path());
}

TEST_CASE("the flag --config beats HB_CONFIG") {
  const File file("runs_max = 5\n");
  const std::string flag = "--config=" + file.path();
  CHECK(accepted({flag.c_str()}, {{"HB_CONFIG", "/nonexistent"}}).options.limits.runs_max == 5);
}

TEST_CASE("every option can be said as a flag") {
  const Options options =
      accepted({"--events=ipc:///tmp/e", "--alerts=tcp://[::1]:*", "--status", "tcp://localhost:0",
                "--check-interval-ms=1", "--stale-threshold-ms=2", "--timeout-threshold-ms=3",
                "--no-stale-warning-only-once", "--no-stale-rearm", "--no-adopt-unknown",
                "--runs-max=4", "--tombstone-ms=0", "--alerts-kept=6", "--log-level=off",
                "--log-format=json", "--insecure"})
          .options;
  CHECK(options.endpoints.events == "ipc:///tmp/e");
  CHECK(options.endpoints.alerts == "tcp://[::1]:*");
  CHECK(options.endpoints.status == "tcp://localhost:0");
  CHECK(options.limits.check_interval_ms.count() == 1);
  CHECK(options.limits.stale_threshold_ms.count() == 2);
  CHECK(options.limits.timeout_threshold_ms.count() == 3);
  CHECK_FALSE(options.limits.stale_warning_only_once);
  CHECK_FALSE(options.limits.stale_rearm);
  CHECK_FALSE(options.limits.adopt_unknown);
  CHECK(options.limits.runs_max == 4);
  CHECK(options.limits.tombstone_ms.count() == 0);
  CHECK(options.alerts_kept == 6);
  CHECK(options.log_level == "off");
  CHECK(options.log_format == "json");
  CHECK(options.insecure);
}

TEST_CASE("a switch can be turned back on by a stronger source, the last flag counts") {
  CHECK(accepted({"--stale-rearm"}, {{"HB_STALE_REARM", "false"}}).options.limits.stale_rearm);
  CHECK_FALSE(accepted({"--no-stale-rearm"}, {{"HB_STALE_REARM", "1"}}).options.limits.stale_rearm);
  CHECK_FALSE(accepted({"--stale-rearm", "--no-stale-rearm"}).options.limits.stale_rearm);
  CHECK(accepted({"--no-stale-rearm", "--stale-rearm"}).options.limits.stale_rearm);
  CHECK(accepted({"--runs-max=1", "--runs-max=2"}).options.limits.runs_max == 2);
}

TEST_CASE("the file takes keys with - as well as _") {
  const File file("stale-rearm = false\nlog-level = \"debug\"\nalerts_kept = 0x10\n");
  const Options options = accepted({}, file.variables()).options;
  CHECK_FALSE(options.limits.stale_rearm);
  CHECK(options.log_level == "debug");
  CHECK(options.alerts_kept == 16);
}

TEST_CASE("a number that is not one is refused, wherever it stands") {
  const std::string range = "expected a whole number from 1 to 315576000000";
  refused({"--stale-threshold-ms=-5"}, {}, {"--stale-threshold-ms", "'-5'", "command line", range});
  refused({"--stale-threshold-ms", "-5"}, {}, {"--stale-threshold-ms", "'-5'", range});
  for (const char* value : {"-5", "0", "", " 1", "+1", "1.0", "1e3", "5s", "soon", "315576000001",
                            "99999999999999999999", "1\n2"}) {
    CAPTURE(value);
    refused({}, {{"HB_STALE_THRESHOLD_MS", value}},
            {"--stale-threshold-ms: got '", "(from HB_STALE_THRESHOLD_MS)", range});
  }
  const File file("\nstale_threshold_ms = 0\n");
  refused({}, file.variables(), {"--stale-threshold-ms", "'0'", file.path() + ":2", range});
}

TEST_CASE("the bounds of each number are its own") {
  const std::string longest = "315576000000";
  for (const auto& [name, min, max] :
       {std::array<std::string, 3>{"CHECK_INTERVAL_MS", "1", longest},
        {"STALE_THRESHOLD_MS", "1", longest},
        {"TIMEOUT_THRESHOLD_MS", "1", longest},
        {"TOMBSTONE_MS", "0", longest},
        {"RUNS_MAX", "1", "100000000"},
        {"ALERTS_KEPT", "1", "10000000"}}) {
    CAPTURE(name);
    accepted({}, {{"HB_" + name, min}});
    accepted({}, {{"HB_" + name, max}});
    refused({}, {{"HB_" + name, std::to_string(std::stoll(min) - 1)}}, {"HB_" + name});
    refused({}, {{"HB_" + name, std::to_string(std::stoll(max) + 1)}}, {"HB_" + name, max});
  }
}

TEST_CASE("a bad value is refused even where a stronger source overrides it") {
  refused({"--runs-max=5"}, {{"HB_RUNS_MAX", "many"}}, {"--runs-max", "'many'", "HB_RUNS_MAX"});
}

TEST_CASE("words and switches are refused with what was expected") {
  refused({"--log-level=loud"}, {}, {"--log-level", "'loud'", "trace", "critical or off"});
  refused({}, {{"HB_LOG_FORMAT", "xml"}},
          {"--log-format", "'xml'", "HB_LOG_FORMAT", "text or json"});
  refused({}, {{"HB_STALE_REARM", "perhaps"}}, {"--stale-rearm", "'perhaps'", "true or false"});
  refused({}, {{"HB_INSECURE", ""}}, {"--insecure", "''", "HB_INSECURE"});
  refused({"--stale-rearm=perhaps"}, {}, {"--stale-rearm", "true or false"});
  refused({"--no-stale-rearm=perhaps"}, {}, {"stale-rearm"});
}

TEST_CASE("what is no option is refused by name") {
  refused({"--stale-treshold-ms=5"}, {}, {"--stale-treshold-ms", "unknown option", "--help"});
  refused({"--stale-threshold"}, {}, {"--stale-threshold", "unknown option"});
  refused({"--no-runs-max"}, {}, {"--no-runs-max", "unknown option"});
  refused({"-x"}, {}, {"-x", "unknown option"});
  refused({"start"}, {}, {"'start'"});
  refused({"--runs-max"}, {}, {"--runs-max", "no value", "a whole number"});
  refused({"--runs-max=", "5"}, {}, {"--runs-max", "''", "a whole number"});
}

TEST_CASE("the file's mistakes are refused with their line") {
  for (const auto& [text, words] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"stale_treshold_ms = 5", {"'stale_treshold_ms'", "unknown key", "stale_threshold_ms"}},
           {"config = 'x'", {"'config'", "unknown key"}},
           {"[limits]\nruns_max = 5", {"'limits'", "unknown key"}},
           {"runs_max = '5'", {"--runs-max", "a whole number", "an integer"}},
           {"runs_max = 5.0", {"--runs-max", "5.0", "an integer"}},
           {"runs_max = [\n1]", {"--runs-max", "an integer"}},
           {"stale_rearm = 1", {"--stale-rearm", "'1'", "a boolean"}},
           {"log_level = 5", {"--log-level", "'5'", "a string"}},
           {"log_level = 'loud'", {"--log-level", "'loud'"}},
           {"runs_max = -1", {"--runs-max", "'-1'"}},
           {"runs_max = ", {"--config", "valid TOML"}},
           {"runs_max = 1\nruns_max = 2", {"--config", "valid TOML"}}}) {
    CAPTURE(text);
    const File file("# a comment\n" + text + "\n");
    refused({}, file.variables(), words);
    refused({}, file.variables(), {file.path() + ":"});
  }
  const File twice("runs_max = 1\nruns-max = 2\n");
  refused({}, twice.variables(), {"--runs-max", "twice"});
}

TEST_CASE("a file that cannot be read is refused with its name") {
  refused({"--config=/nonexistent/x.toml"}, {},
          {"--config", "/nonexistent/x.toml", "No such file"});
  refused({}, {{"HB_CONFIG", "/tmp"}}, {"--config", "'/tmp'", "HB_CONFIG", "regular"});
  refused({}, {{"HB_CONFIG", ""}}, {"--config", "''", "HB_CONFIG"});
  refused({"--config=/dev/zero"}, {}, {"--config", "/dev/zero", "regular"});
  const File large(std::string(2 * 1024 * 1024, '#'));
  refused({}, {{"HB_CONFIG", large.path()}}, {"--config", large.path(), "1 MiB"});
}

TEST_CASE("a variable that is no option is a warning") {
  const auto invocation = accepted({}, {{"HB_STALE_TRESHOLD_MS", "5"}});
  REQUIRE(invocation.warnings.size() == 1);
  CHECK(invocation.warnings[0].find("HB_STALE_TRESHOLD_MS") != std::string::npos);
}

TEST_CASE("endpoints have a form") {
  for (const char* value : {"smoke://signals", "", "tcp://", "tcp://127.0.0.1", "tcp://:5570",
                            "tcp://127.0.0.1:", "tcp://127.0.0.1:65536", "tcp://127.0.0.1:x",
                            "ipc://", "inproc://x", "TCP://127.0.0.1:1", "tcp://127.0.0.1:1 "}) {
    CAPTURE(value);
    refused({}, {{"HB_EVENTS", value}},
            {"--events", "'" + std::string(value) + "'", "HB_EVENTS", "tcp://HOST:PORT"});
  }
  const std::string long_path = "ipc:///" + std::string(107, 'x');
  refused({}, {{"HB_STATUS", long_path}}, {"--status", "ipc://PATH"});
  refused({"--alerts=tcp://127.0.0.1:5570"}, {}, {"--alerts", "--events"});
  accepted({"--events=tcp://127.0.0.1:*", "--alerts=tcp://127.0.0.1:*"});
}

TEST_CASE("beyond loopback only with --insecure") {
  for (const char* value : {"tcp://0.0.0.0:1", "tcp://*:1", "tcp://[::]:1", "tcp://eth0:1",
                            "tcp://10.0.0.1:*", "tcp://127.evil.example:1", "tcp://128.0.0.1:1"}) {
    CAPTURE(value);
    refused({}, {{"HB_EVENTS", value}}, {"--events", value, "loopback", "--insecure"});
    accepted({"--insecure"}, {{"HB_EVENTS", value}});
  }
  for (const char* value : {"tcp://127.8.8.8:1", "tcp://[::1]:1", "tcp://localhost:1"}) {
    CAPTURE(value);
    accepted({}, {{"HB_EVENTS", value}});
  }
}

TEST_CASE("a stale threshold at or above the timeout is allowed, with a warning") {
  CHECK(accepted({"--stale-threshold-ms=4", "--timeout-threshold-ms=5"}).warnings.empty());
  for (const char* timeout : {"--timeout-threshold-ms=4", "--timeout-threshold-ms=3"}) {
    const auto warnings = accepted({"--stale-threshold-ms=4", timeout}).warnings;
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].find("--stale-threshold-ms") != std::string::npos);
    CHECK(warnings[0].find("--timeout-threshold-ms") != std::string::npos);
  }
}

TEST_CASE("the flag --help names every option, --version the version, whatever else is wrong") {
  const Variables bad{{"HB_RUNS_MAX", "many"}};
  const std::string help = accepted({"--help"}, bad).print.value();
  for (const char* word : {"--events",
                           "--alerts",
                           "--status",
                           "--check-interval-ms",
                           "--stale-threshold-ms",
                           "--timeout-threshold-ms",
                           "--[no-]stale-warning-only-once",
                           "--[no-]stale-rearm",
                           "--[no-]adopt-unknown",
                           "--runs-max",
                           "--tombstone-ms",
                           "--alerts-kept",
                           "--config",
                           "--log-level",
                           "--log-format",
                           "--[no-]insecure",
                           "--version",
                           "Usage",
                           "HB_",
                           "SIGHUP",
                           "Exit codes",
                           "300000"}) {
    CAPTURE(word);
    CHECK(help.find(word) != std::string::npos);
  }
  CHECK(accepted({"--version"}, bad).print.value().starts_with("hbmond "));
  CHECK_FALSE(accepted({}).print);
}

}  // namespace
}  // namespace heartbeat::daemon
