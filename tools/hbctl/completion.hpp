// Completion scripts, made from the description of the command line itself.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace heartbeat::hbctl {

// To be evaluated by bash.
std::string bash_completion(const CLI::App& app);
// A file _hbctl for zsh's fpath; it can be evaluated as well.
std::string zsh_completion(const CLI::App& app);

}  // namespace heartbeat::hbctl
