// What hbmond can be told: by flag, environment, or a TOML file, in this order of precedence.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/limits.hpp"
#include "heartbeat/endpoints.hpp"

namespace heartbeat::daemon {

struct Options {
  Endpoints endpoints;
  core::Limits limits;
  // Alerts kept for replay; a subscriber that is further behind has missed some for good.
  std::size_t alerts_kept = 100'000;
  std::optional<std::string> config;
  std::string log_level = "info";
  std::string log_format = "text";
  // Allows TCP endpoints beyond loopback, where anybody may read and write them.
  bool insecure = false;
};

// What a command line asks for.
struct Invocation {
  Options options;
  std::vector<std::string> warnings;
  std::optional<std::string> print;  // --help or --version: print this and exit 0
};

// Names the option, where its value came from, the value, and what was expected.
struct BadOption {
  std::string message;
};

using Environment = std::function<std::optional<std::string>(const std::string& name)>;

std::variant<Invocation, BadOption> read_options(int argc, const char* const* argv,
                                                 const Environment& environment);

}  // namespace heartbeat::daemon
