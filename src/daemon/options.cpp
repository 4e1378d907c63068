#include "daemon/options.hpp"

#include <arpa/inet.h>
#include <toml++/toml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "daemon/settings.hpp"

namespace heartbeat::daemon {
namespace {

// A value as it may stand in a message: on one line, and not endless.
std::string quoted(const std::string& value) {
  std::string out = "'";
  for (const char c : value.substr(0, 200)) {
    out += c >= 0 && (c < ' ' || c == 127) ? '?' : c;
  }
  return out + (value.size() > 200 ? "…'" : "'");
}

bool leaves_this_machine(const std::string& endpoint) {
  const auto parts = tcp_address(endpoint);
  if (!parts) {
    return false;
  }
  const std::string host{parts->host};
  in_addr address{};
  const bool loopback_v4 =
      inet_pton(AF_INET, host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
  return !loopback_v4 && host != "[::1]" && host != "localhost" && host != "lo";
}

class OptionReader {
 public:
  explicit OptionReader(const Environment& environment) : environment_(environment) {}

  Invocation read(int argc, const char* const* argv) {
    parse_flags(argc, argv);
    if (invocation_.print) {
      return std::move(invocation_);
    }
    read_environment();
    const Setting& config = settings_.back();
    for (const Given& given : given_) {
      if (given.setting == &config) {
        apply(given);
      }
    }
    if (invocation_.options.config) {
      read_file(*invocation_.options.config);
    }
    for (const Given& given : given_) {
      apply(given);
    }
    check_together();
    return std::move(invocation_);
  }

 private:
  struct Given {
    const Setting* setting;
    std::string value;
    std::string from;
  };
  // Environment before flags: what is applied later wins.
  std::vector<Given> given_;
  std::map<std::string, std::string> origins_;

  [[noreturn]] static void refuse(const Setting& setting, const std::string& got,
                                  const std::string& from, const std::string& expected) {
    throw BadOption{flag_of(setting) + ": got " + got + " (from " + from + "), expected " +
                    expected};
  }

  void apply(const Given& given) {
    if (!given.setting->set(invocation_.options, given.value)) {
      refuse(*given.setting, quoted(given.value), given.from, given.setting->expected);
    }
    origins_[given.setting->name] = given.from;
  }

  void parse_flags(int argc, const char* const* argv);
  void read_environment();
  void read_file(const std::string& path);
  void read_key(const std::string& key, const toml::node& node, const std::string& from);
  void check_together();
  std::string help() const;

  const Environment& environment_;
  const std::vector<Setting> settings_ = make_settings();
  std::set<std::string> keys_seen_;
  Invocation invocation_;
};

void OptionReader::parse_flags(int argc, const char* const* argv) {
  static constexpr auto from = "the command line";
  CLI::App app("", "hbmond");
  app.set_help_flag();
  app.allow_extras();
  bool help_asked = false;
  bool version_asked = false;
  app.add_flag("-h,--help", help_asked);
  app.add_flag("--version", version_asked);
  std::vector<std::pair<const Setting*, CLI::Option*>> parsed;
  for (const Setting& setting : settings_) {
    const std::string name = flag_of(setting);
    CLI::callback_t keep = [](const CLI::results_t&) { return true; };
    CLI::Option* option = setting.kind == SettingKind::flag
                              ? app.add_flag(name + ",!--no-" + name.substr(2))
                              : app.add_option(name, keep)->expected(1);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    parsed.emplace_back(&setting, option);
  }

  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    const std::string argument = argv[i];
    for (const Setting& setting : settings_) {
      // CLI11 would take the next argument for the value.
      if (argument == flag_of(setting) + "=") {
        refuse(setting, "''", from, setting.expected);
      }
    }
    arguments.push_back(argument);
  }
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    const std::string what = error.what();
    for (const Setting& setting : settings_) {
      if (what.starts_with(flag_of(setting) + ":")) {
        refuse(setting, "no value", from, setting.expected);
      }
    }
    throw BadOption{"the command line: " + quoted(what) + ", expected options as in --help"};
  }
  for (const std::string& extra : app.remaining()) {
    const std::string name = extra.substr(0, extra.find('='));
    throw BadOption{name.starts_with("-")
                        ? quoted(name) + ": unknown option, expected one of those in --help"
                        : "got " + quoted(name) +
                              " (from the command line), expected options only"};
  }
  if (help_asked) {
    invocation_.print = help();
  } else if (version_asked) {
    invocation_.print = "hbmond " HEARTBEAT_VERSION "\n";
  }
  for (const auto& [setting, option] : parsed) {
    for (const std::string& value : option->results()) {
      given_.push_back({setting, value, from});
    }
  }
}

void OptionReader::read_environment() {
  std::vector<Given> found;
  for (const auto& [variable, value] : environment_) {
    const auto setting = std::find_if(settings_.begin(), settings_.end(), [&](const Setting& each) {
      return variable_of(each) == variable;
    });
    if (setting != settings_.end()) {
      found.push_back({&*setting, value, variable});
    } else {
      // Another tool's, perhaps: no reason not to start.
      invocation_.warnings.push_back(quoted(variable) +
                                     " in the environment is no option of hbmond: ignored");
    }
  }
  given_.insert(given_.begin(), found.begin(), found.end());
}

// Larger is no configuration.
constexpr std::size_t file_bytes_max = 1024 * 1024;

void OptionReader::read_file(const std::string& path) {
  const Setting& config = settings_.back();
  const std::string from = origins_.at(config.name);
  // Opening a pipe would wait for its writer, in the middle of a reload.
  std::error_code error_code;
  if (std::filesystem::exists(path, error_code) &&
      !std::filesystem::is_regular_file(path, error_code)) {
    refuse(config, quoted(path), from, config.expected);
  }
  std::string text(file_bytes_max + 1, '\0');
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    refuse(config, quoted(path), from, config.expected + ": " + std::strerror(errno));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > file_bytes_max) {
    refuse(config, quoted(path), from, "a file of at most 1 MiB");
  }
  try {
    const toml::table table = toml::parse(text);
    for (const auto& [key, node] : table) {
      read_key(std::string(key), node, path + ":" + std::to_string(node.source().begin.line));
    }
  } catch (const toml::parse_error& error) {
    refuse(config, quoted(path), from,
           "valid TOML: " + path + ":" + std::to_string(error.source().begin.line) + ": " +
               std::string(error.description()));
  }
}

void OptionReader::read_key(const std::string& key, const toml::node& node,
                            const std::string& from) {
  std::string name = key;
  std::replace(name.begin(), name.end(), '-', '_');
  const auto setting = std::find_if(settings_.begin(), settings_.end(), [&](const Setting& each) {
    return each.in_file && each.name == name;
  });
  if (setting == settings_.end()) {
    std::string known;
    for (const Setting& each : settings_) {
      known += !each.in_file ? "" : (known.empty() ? "" : ", ") + each.name;
    }
    throw BadOption{quoted(key) + ": unknown key (from " + from + "), expected one of " + known};
  }
  if (!keys_seen_.insert(name).second) {
    refuse(*setting, quoted(key) + " twice", from, "it once, with - or with _");
  }
  std::ostringstream written;
  node.visit([&](const auto& value) { written << value; });
  static constexpr std::array expected_types{toml::node_type::integer, toml::node_type::boolean,
                                             toml::node_type::string};
  if (node.type() != expected_types[static_cast<std::size_t>(setting->kind)]) {
    static constexpr std::array names{"an integer", "a boolean", "a string"};
    refuse(*setting, node.is_string() ? written.str() : quoted(written.str()), from,
           setting->expected + ", in TOML " + names[static_cast<std::size_t>(setting->kind)]);
  }
  // Not as written: TOML also has hexadecimal numbers, and quotes around strings.
  const std::string value = setting->kind == SettingKind::number
                                ? std::to_string(node.value_or(std::int64_t{0}))
                            : setting->kind == SettingKind::text ? node.value_or(std::string())
                                                                 : written.str();
  apply({&*setting, value, from});
}

void OptionReader::check_together() {
  const Options& options = invocation_.options;
  std::map<std::string, std::string> used;
  for (const Setting& setting : settings_) {
    const std::string& name = setting.name;
    if (name != "events" && name != "alerts" && name != "status") {
      continue;
    }
    const std::string value = setting.shown(options);
    const auto origin = origins_.find(name);
    const std::string from = origin == origins_.end() ? "the default" : origin->second;
    if (!options.insecure && leaves_this_machine(value)) {
      refuse(setting, quoted(value), from,
             "a loopback address or ipc://, because anyone who reaches it can publish and ask "
             "(--insecure allows it)");
    }
    const bool wildcard = value.ends_with("*") || value.ends_with(":0");
    const auto [other, fresh] = used.emplace(value, name);
    if (!fresh && !wildcard) {
      refuse(setting, quoted(value), from, "another endpoint than that of --" + other->second);
    }
  }
  const core::Limits& limits = options.limits;
  if (limits.stale_threshold_ms >= limits.timeout_threshold_ms) {
    invocation_.warnings.push_back("--stale-threshold-ms (" +
                                   std::to_string(limits.stale_threshold_ms.count()) +
                                   ") is not below --timeout-threshold-ms (" +
                                   std::to_string(limits.timeout_threshold_ms.count()) +
                                   "): runs time out before silence makes them stale");
  }
}

std::string OptionReader::help() const {
  std::string text =
      "hbmond watches agents over ZeroMQ: publishes an alert when one falls silent or runs for\n"
      "ever, and answers questions about all of them.\n\n"
      "Usage: hbmond [OPTION]...\n\nOptions:\n";
  const Options defaults;
  for (const Setting& setting : settings_) {
    std::string shape = flag_of(setting);
    if (setting.kind == SettingKind::flag) {
      shape = "--[no-]" + shape.substr(2);
    } else {
      shape += setting.kind == SettingKind::number ? " N" : setting.in_file ? " TEXT" : " FILE";
    }
    text += "  " + shape + "   (default: " + setting.shown(defaults) + ")\n      " + setting.about +
            "\n      (" + setting.expected + ")\n";
  }
  return text +
         "  --version\n  -h, --help\n\n"
         "Durations are milliseconds.\n\n"
         "Files and environment:\n"
         "  Each option is also a variable (HB_STALE_THRESHOLD_MS) and, except --config, a key of\n"
         "  the TOML file (stale_threshold_ms = 300000). A flag beats the environment, that beats\n"
         "  the file, that beats the default. Whatever is wrong in any of them prevents the "
         "start.\n"
         "  SIGHUP reads the file again: thresholds then apply to the runs in flight; a broken\n"
         "  file changes nothing.\n\n"
         "Exit codes:\n"
         "  0  ended by SIGTERM or SIGINT\n"
         "  1  failed while it ran\n"
         "  2  could not start; standard error names the option, the value and what was expected\n";
}

}  // namespace

std::variant<Invocation, BadOption> read_options(int argc, const char* const* argv,
                                                 const Environment& environment) {
  try {
    return OptionReader(environment).read(argc, argv);
  } catch (const BadOption& bad) {
    return bad;
  }
}

}  // namespace heartbeat::daemon
