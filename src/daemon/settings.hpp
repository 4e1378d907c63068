// The table of what hbmond can be told. Flags, environment, file, help and error messages are all
// made from it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/options.hpp"

namespace heartbeat::daemon {

enum class SettingKind { number, flag, text };

// One option, as flag (--stale-rearm), variable (HB_STALE_REARM) and file key (stale_rearm).
struct Setting {
  std::string name;  // as in the file
  SettingKind kind;
  std::string about;     // what it does, and what follows from it
  std::string expected;  // ends the sentence "got …, expected …"
  std::function<bool(Options&, const std::string&)> set;  // false: not what was expected
  std::function<std::string(const Options&)> shown;       // for --help: the default
  bool in_file = true;
  bool live = true;  // SIGHUP changes it, too
};

std::string flag_of(const Setting& setting);
std::string variable_of(const Setting& setting);

// The last is --config, the only one that no file can hold.
std::vector<Setting> make_settings();

}  // namespace heartbeat::daemon
