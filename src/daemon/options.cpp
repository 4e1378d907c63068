#include "daemon/options.hpp"

#include <toml++/toml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <map>
#include <string_view>

namespace heartbeat::daemon {
namespace {

// Thrown inside this file only; read_options returns it.
struct Bad {
  std::string message;
};

constexpr std::string_view text_levels = "trace, debug, info, warn, error, critical or off";

std::optional<std::uint64_t> whole_number(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole ? std::optional{number} : std::nullopt;
}

// Each returns what was expected where the value is not that.
using Set = std::function<std::optional<std::string>(Options&, const std::string&)>;

Set number(std::uint64_t min, std::uint64_t max, std::function<void(Options&, std::uint64_t)> set) {
  return [=](Options& options, const std::string& text) -> std::optional<std::string> {
    const auto value = whole_number(text);
    if (!value || *value < min || *value > max) {
      return "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
    }
    set(options, *value);
    return std::nullopt;
  };
}

Set duration(std::uint64_t min, Duration core::Limits::*member) {
  return number(min, static_cast<std::uint64_t>(duration_max.count()),
                [member](Options& options, std::uint64_t value) {
                  options.limits.*member = Duration{static_cast<Duration::rep>(value)};
                });
}

Set flag(std::function<bool&(Options&)> member) {
  return [member](Options& options, const std::string& text) -> std::optional<std::string> {
    if (text != "true" && text != "false" && text != "1" && text != "0") {
      return "true or false";
    }
    member(options) = text == "true" || text == "1";
    return std::nullopt;
  };
}

Set limit_flag(bool core::Limits::*member) {
  return flag([member](Options& options) -> bool& { return options.limits.*member; });
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

Set endpoint(std::string Endpoints::*member) {
  return [member](Options& options, const std::string& text) -> std::optional<std::string> {
    const bool tcp = text.starts_with("tcp://") && text.rfind(':') > 6;
    const bool ipc = text.starts_with("ipc://") && text.size() > 6;
    if (!tcp && !ipc) {
      return "tcp://ADDRESS:PORT or ipc://PATH";
    }
    options.endpoints.*member = text;
    return std::nullopt;
  };
}

Set one_of(std::string Options::*member, std::vector<std::string> choices, std::string expected) {
  return [=](Options& options, const std::string& text) -> std::optional<std::string> {
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
      return expected;
    }
    options.*member = text;
    return std::nullopt;
  };
}

struct Option {
  std::string name;  // as in the file; the flag has '-' for '_', the environment HB_ and capitals
  bool is_flag;
  std::string help;
  Set set;
};

const std::vector<Option>& table() {
  using core::Limits;
  static const std::vector<Option> rows{
      {"events", false, "where agents publish (default tcp://127.0.0.1:5570)",
       endpoint(&Endpoints::events)},
      {"alerts", false, "where alerts are published (default tcp://127.0.0.1:5571)",
       endpoint(&Endpoints::alerts)},
      {"status", false, "where questions are answered (default tcp://127.0.0.1:5572)",
       endpoint(&Endpoints::status)},
      {"check_interval_ms", false, "distance of repeated warnings (default 30000)",
       duration(1, &Limits::check_interval_ms)},
      {"stale_threshold_ms", false, "a longer silence is stale (default 300000)",
       duration(1, &Limits::stale_threshold_ms)},
      {"timeout_threshold_ms", false, "a longer run is taken out of flight (default 1800000)",
       duration(1, &Limits::timeout_threshold_ms)},
      {"stale_warning_only_once", true, "one warning per stale episode (default on)",
       limit_flag(&Limits::stale_warning_only_once)},
      {"stale_rearm", true, "a later silence warns again (default on)",
       limit_flag(&Limits::stale_rearm)},
      {"adopt_unknown", true, "activity of an unknown run starts it (default on)",
       limit_flag(&Limits::adopt_unknown)},
      {"runs_max", false, "runs in flight; more are refused (default 1000000)",
       number(1, 100'000'000,
              [](Options& options, std::uint64_t value) { options.limits.runs_max = value; })},
      {"tombstone_ms", false, "how long an ended run is remembered (default 3600000)",
       duration(0, &Limits::tombstone_ms)},
      {"alerts_kept", false, "alerts kept for replay (default 100000)",
       number(1, 10'000'000,
              [](Options& options, std::uint64_t value) { options.alerts_kept = value; })},
      {"config", false, "TOML file with the same names; SIGHUP reads it again",
       [](Options& options, const std::string& text) -> std::optional<std::string> {
         options.config = text;
         return text.empty() ? std::optional<std::string>{"a file"} : std::nullopt;
       }},
      {"log_level", false, "trace, debug, info, warn, error, critical or off (default info)",
       one_of(&Options::log_level, {"trace", "debug", "info", "warn", "error", "critical", "off"},
              std::string{text_levels})},
      {"log_format", false, "text or json (default text)",
       one_of(&Options::log_format, {"text", "json"}, "text or json")},
      {"insecure", true, "allow TCP endpoints beyond loopback (default off)",
       flag([](Options& options) -> bool& { return options.insecure; })},
  };
  return rows;
}

std::string flag_name(const Option& option) {
  std::string name = "--" + option.name;
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::string environment_name(const Option& option) {
  std::string name = "HB_" + option.name;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return name;
}

void assign(Options& options, const Option& option, const std::string& value,
            const std::string& from) {
  if (const auto expected = option.set(options, value)) {
    throw Bad{flag_name(option) + ": got '" + value + "'" + from + ", expected " + *expected};
  }
}

std::string text_of(const toml::node& node, const std::string& where) {
  if (const auto text = node.value_exact<std::string>()) {
    return *text;
  }
  if (const auto number = node.value_exact<std::int64_t>()) {
    return std::to_string(*number);
  }
  if (const auto flag_value = node.value_exact<bool>()) {
    return *flag_value ? "true" : "false";
  }
  throw Bad{where + ": expected a string, a whole number, or true or false"};
}

void read_file(const std::string& path, Options& options) {
  std::ifstream file{path};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (!file || file.bad()) {
    throw Bad{"--config: got '" + path + "', expected a file that can be read"};
  }
  toml::table parsed;
  try {
    parsed = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    throw Bad{"--config: " + path + ":" + std::to_string(error.source().begin.line) + ": " +
              std::string{error.description()} + "; expected TOML"};
  }
  for (const auto& [key, node] : parsed) {
    std::string name{key.str()};
    std::replace(name.begin(), name.end(), '-', '_');
    const std::string where = path + ":" + std::to_string(node.source().begin.line);
    const auto option = std::find_if(table().begin(), table().end(), [&](const Option& candidate) {
      return candidate.name == name && name != "config";
    });
    if (option == table().end()) {
      throw Bad{where + ": unknown key '" + std::string{key.str()} +
                "', expected one of the options of hbmond --help"};
    }
    assign(options, *option, text_of(node, where + ": " + name), " (from " + where + ")");
  }
}

void check_exposure(const Options& options) {
  const std::array<std::pair<std::string_view, const std::string*>, 3> endpoints{
      {{"--events", &options.endpoints.events},
       {"--alerts", &options.endpoints.alerts},
       {"--status", &options.endpoints.status}}};
  for (const auto& [name, value] : endpoints) {
    if (!value->starts_with("tcp://") || options.insecure) {
      continue;
    }
    const std::string_view host = std::string_view{*value}.substr(6, value->rfind(':') - 6);
    if (!is_loopback(host)) {
      throw Bad{std::string{name} + ": got '" + *value +
                "', expected a loopback address or ipc://PATH, or --insecure where anybody who "
                "reaches the port may publish and read"};
    }
  }
}

constexpr std::string_view footer =
    "Each option is also an environment variable (HB_STALE_THRESHOLD_MS) and a key of the\n"
    "--config file (stale_threshold_ms). A flag beats the environment, that beats the file.\n"
    "Signals: SIGTERM and SIGINT end it, SIGHUP reads the options again.\n"
    "Exit codes: 0 after SIGTERM or SIGINT, 2 when it cannot start.\n";

Invocation read(int argc, const char* const* argv, const Environment& environment) {
  CLI::App app{"Watches a fleet of agents: warns of the silent, ends the endless.", "hbmond"};
  app.footer(std::string{footer});
  bool version = false;
  app.add_flag("--version", version, "print the version and exit");
  std::map<std::string, std::string> values;
  std::map<std::string, bool> flags;
  std::map<std::string, CLI::Option*> given;
  for (const Option& option : table()) {
    const std::string name = flag_name(option);
    if (option.is_flag) {
      given[option.name] =
          app.add_flag(name + ",!--no-" + name.substr(2), flags[option.name], option.help);
    } else {
      given[option.name] = app.add_option(name, values[option.name], option.help);
    }
  }
  Invocation invocation;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    invocation.print = app.help();
    return invocation;
  } catch (const CLI::ParseError& error) {
    throw Bad{std::string{error.what()} + "; expected the options of hbmond --help"};
  }
  if (version) {
    invocation.print = "hbmond " HEARTBEAT_VERSION "\n";
    return invocation;
  }
  const auto from_flag = [&](const Option& option) -> std::optional<std::string> {
    if (given[option.name]->count() == 0) {
      return std::nullopt;
    }
    return option.is_flag ? (flags[option.name] ? "true" : "false") : values[option.name];
  };
  Options& options = invocation.options;
  const auto apply = [&](const Option& option) {
    if (const auto value = from_flag(option)) {
      assign(options, option, *value, "");
    } else if (const auto set = environment(environment_name(option))) {
      assign(options, option, *set, " (from " + environment_name(option) + ")");
    }
  };
  for (const Option& option : table()) {
    if (option.name == "config") {
      apply(option);
    }
  }
  if (options.config) {
    read_file(*options.config, options);
  }
  for (const Option& option : table()) {
    apply(option);
  }
  check_exposure(options);
  const core::Limits& limits = options.limits;
  if (limits.stale_threshold_ms >= limits.timeout_threshold_ms) {
    invocation.warnings.push_back(
        "stale_threshold_ms (" + std::to_string(limits.stale_threshold_ms.count()) +
        ") is not below timeout_threshold_ms (" +
        std::to_string(limits.timeout_threshold_ms.count()) +
        "): without a promise no run is ever stale, the timeout comes first");
  }
  return invocation;
}

}  // namespace

std::variant<Invocation, BadOption> read_options(int argc, const char* const* argv,
                                                 const Environment& environment) {
  try {
    return read(argc, argv, environment);
  } catch (const Bad& bad) {
    return BadOption{bad.message};
  }
}

}  // namespace heartbeat::daemon
