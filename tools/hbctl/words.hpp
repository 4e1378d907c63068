// The words of the command line, before CLI11 sees them: it takes `[a,b]` for a list, and after
// `--task=` the next word for the value. What is somebody's text has to arrive as it was written.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace heartbeat::hbctl {

struct Words {
  std::vector<std::string> own;  // for CLI11
  // What stands behind the first `--` of the verb `run`, word by word; nullopt = no such `--`.
  std::optional<std::vector<std::string>> command;
};

// Whether a word follows the option, or is joined to it by `=`.
bool takes_value(const CLI::Option& option);

// REQUIRES: `app` knows all verbs and options.
Words separated(int argc, char** argv, const CLI::App& app);

}  // namespace heartbeat::hbctl
