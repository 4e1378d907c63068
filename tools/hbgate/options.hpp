// What hbgate is told on its command line or in its environment.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "heartbeat/endpoints.hpp"
#include "heartbeat/time.hpp"

namespace heartbeat::hbgate {

struct Options {
  Endpoints endpoints;
  Duration timeout{2'000};  // for each answer of the monitor
  std::string listen = "127.0.0.1:5580";
  std::optional<std::string> state;       // the monitor's file, for history; read only
  std::optional<std::string> token_file;  // who may read and write; see Access::from_file
  bool insecure = false;                  // an address beyond loopback without tokens
};

inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

// The options, or the exit code where there is nothing to run: --help, or what was wrong, which it
// prints.
std::variant<Options, int> parse_command_line(int argc, char** argv);

}  // namespace heartbeat::hbgate
