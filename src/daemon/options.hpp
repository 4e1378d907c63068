// What hbmond can be told, and from where: flag > environment > file > default. Everything that was
// said is checked, also what a stronger source overrides, before anything is served.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/limits.hpp"
#include "heartbeat/endpoints.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::daemon {

struct Options {
  Endpoints endpoints;
  core::Limits limits;
  // Alerts that can be asked for again; a consumer away for longer has a gap.
  std::size_t alerts_kept = 100'000;
  // How far the input may be behind before deadlines are judged all the same; the alert then says
  // `overloaded`.
  Duration ingest_lag_max_ms{5'000};
  // Where the state is kept over restarts; nullopt: it is not.
  std::optional<std::string> state;
  // A commit that alerts wait for takes so long at most before the monitor goes on without the
  // file.
  Duration store_wait_max_ms{100};
  // After a start from a state file, and where a reload shortens limits, no silence is warned of
  // before this has passed.
  Duration restart_grace_ms{15'000};
  // Alerts are kept in the state file for so long.
  std::size_t history_days = 30;
  // The file that was read; SIGHUP reads it again.
  std::optional<std::string> config;
  // trace, debug, info, warn, error, critical or off.
  std::string log_level = "info";
  // text, or json: one object per line.
  std::string log_format = "text";
  // TCP endpoints beyond loopback, where anyone can publish, listen and ask.
  bool insecure = false;
};

struct Invocation {
  Options options;
  std::vector<std::string> warnings;  // allowed, but hardly meant; one line each
  std::optional<std::string> print;   // text of --help or --version: print it and end
};

// One line: the option, the value, where it came from, and what was expected.
struct BadOption {
  std::string message;
};

// The environment's variables that begin with HB_.
using Environment = std::map<std::string, std::string>;

std::variant<Invocation, BadOption> read_options(int argc, const char* const* argv,
                                                 const Environment& environment);

}  // namespace heartbeat::daemon
