#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "options.hpp"
#include "telling/duration.hpp"

namespace heartbeat::hbgate {

namespace {

[[noreturn]] void refuse_option(const std::string& option, const std::string& value,
                                const std::string& expected) {
  throw CLI::ValidationError(option, "'" + value + "' is not " + expected);
}

// Not while parsing: --help must work whatever the environment says.
void check_endpoint(const std::string& option, const std::string& variable,
                    const std::string& value) {
  const auto address = tcp_address(value);
  const bool wildcard = address && (address->host == "*" || address->port == "*");
  if (!is_endpoint(value) || wildcard) {
    const char* set = std::getenv(variable.c_str());
    refuse_option(set != nullptr && value == set ? variable : option, value,
                  "tcp://HOST:PORT or ipc://PATH");
  }
}

void describe(CLI::App& app, Options& options) {
  app.set_version_flag("--version", "hbgate " HEARTBEAT_VERSION);
  const auto text = [&app](const char* option, const char* variable, std::string& target,
                           const char* help) {
    return app.add_option(option, target, help)->envname(variable)->capture_default_str();
  };
  text("--listen", "HBGATE_LISTEN", options.listen,
       "where it is asked; an address beyond this machine needs --token-file or --insecure")
      ->type_name("HOST:PORT");
  text("--events", "HB_EVENTS", options.endpoints.events, "where the monitor takes events");
  text("--alerts", "HB_ALERTS", options.endpoints.alerts, "where the monitor publishes alerts");
  text("--status", "HB_STATUS", options.endpoints.status, "where the monitor answers");
  app.add_option_function<std::string>(
         "--timeout",
         [&options](const std::string& value) {
           const auto parsed = telling::parse_duration(value);
           if (!parsed || *parsed < Duration{1}) {
             refuse_option("--timeout", value,
                           "a duration of at least 1ms and at most ten years, such as 2s or 500ms");
           }
           options.timeout = *parsed;
         },
         "for each answer of the monitor (default 2s)")
      ->type_name("DURATION");
  app.add_option("--state", options.state, "the file that the monitor writes, for its history")
      ->type_name("FILE");
  app.add_option("--token-file", options.token_file,
                 "who may ask: lines 'read TOKEN' or 'write TOKEN'; SIGHUP reads it again")
      ->type_name("FILE");
  app.add_flag("--insecure", options.insecure,
               "let everybody in who reaches --listen, also beyond this machine");
  app.footer(
      "The page is at /, the API below /api/heartbeat, metrics at /metrics, pings for curl and "
      "cron "
      "at /ping/AGENT.\n"
      "Exit codes: 0 ended by a signal; 1 failed; 2 usage, an address or a token file that "
      "cannot be used.\n"
      "Example: hbgate --listen 127.0.0.1:5580 --state /var/lib/heartbeat/state");
}

}  // namespace

std::variant<Options, int> parse_command_line(int argc, char** argv) {
  Options options;
  CLI::App app{
      "Serves the Heartbeat monitor over HTTP: status, metrics, alerts, a page to look at.",
      "hbgate"};
  describe(app, options);
  try {
    app.parse(argc, argv);
    check_endpoint("--events", "HB_EVENTS", options.endpoints.events);
    check_endpoint("--alerts", "HB_ALERTS", options.endpoints.alerts);
    check_endpoint("--status", "HB_STATUS", options.endpoints.status);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::cerr << "hbgate: " << error.what() << " (see hbgate --help)\n";
    return exit_usage;
  }
  return options;
}

}  // namespace heartbeat::hbgate
