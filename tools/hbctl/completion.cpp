#include "completion.hpp"

#include <algorithm>
#include <vector>

#include "words.hpp"

namespace heartbeat::hbctl {

namespace {

std::vector<const CLI::App*> verbs_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

// --task, -h, --help …
std::vector<std::string> flags_of(const CLI::Option& option) {
  std::vector<std::string> flags;
  for (const std::string& name : option.get_snames()) {
    flags.push_back("-" + name);
  }
  for (const std::string& name : option.get_lnames()) {
    flags.push_back("--" + name);
  }
  return flags;
}

std::string words_of(const CLI::App& app) {
  std::string words;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& flag : flags_of(*option)) {
      words += (words.empty() ? "" : " ") + flag;
    }
  }
  return words;
}

// What may stand for a positional argument, where that is a fixed set.
std::string choices_of(const std::string& verb) {
  return verb == "emit"         ? " register activity idle unregister"
         : verb == "completion" ? " bash zsh"
                                : "";
}

bool takes_file(const CLI::Option& option) { return option.get_type_name() == "FILE"; }

// "running idle stale" where only those may follow, as CLI::IsMember words it: TEXT:{running,…}.
std::string values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const auto from = type.find('{');
  if (from == std::string::npos) {
    return "";
  }
  std::string values = type.substr(from + 1, type.find('}', from) - from - 1);
  std::replace(values.begin(), values.end(), ',', ' ');
  return values;
}

std::string verb_names(const CLI::App& app, const char* between) {
  std::string names;
  for (const CLI::App* verb : verbs_of(app)) {
    names += (names.empty() ? "" : between) + verb->get_name();
  }
  return names;
}

// Between single quotes, in a zsh specification.
std::string described(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':') {
      out += '\\';
    }
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out;
}

// What stands for the value, and how it is completed.
std::string zsh_value(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::string values = values_of(option);
  return type.substr(0, type.find(':')) + ":" +
         (takes_file(option) ? "_files"
          : values.empty()   ? ""
                             : "(" + values + ")");
}

// Where there are such, options are completed behind them only if they are described.
std::string zsh_positionals(const CLI::App& verb) {
  std::string lines;
  int place = 0;
  for (const CLI::Option* option : verb.get_options()) {
    if (option->get_positional()) {
      const std::string choices = place == 0 ? choices_of(verb.get_name()) : "";
      lines += "    '" + std::to_string(++place) + ":" + option->get_name(true) + ":" +
               (choices.empty() ? "" : "(" + choices.substr(1) + ")") + "'\n";
    }
  }
  return lines;
}

std::string zsh_options(const CLI::App& app) {
  std::string lines;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& flag : flags_of(*option)) {
      lines += "    '" + flag + "[" + described(option->get_description()) + "]" +
               (takes_value(*option) ? ":" + zsh_value(*option) : "") + "'\n";
    }
  }
  return lines;
}

// What may follow an option of this verb that takes a value.
std::string bash_values(const CLI::App& app, const std::string& verb) {
  std::string cases;
  for (const CLI::Option* option : app.get_options()) {
    if (takes_value(*option) && option->nonpositional()) {
      for (const std::string& flag : flags_of(*option)) {
        cases +=
            "    " + verb + flag + ") " +
            (takes_file(*option) ? "_hbctl_files; return" : "words='" + values_of(*option) + "'") +
            " ;;\n";
      }
    }
  }
  return cases;
}

// Behind `run … --` stands a command line of its own. bash-completion knows how to complete its
// arguments; without it, by the function that is set for the command.
constexpr const char* bash_parts =
    R"bash(# bash completion for hbctl: eval "$(hbctl completion bash)"
_hbctl_files() {
  local IFS=$'\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$current"))
}
_hbctl_command() {
  if [ "$1" -eq "$COMP_CWORD" ]; then
    COMPREPLY=($(compgen -c -- "$current"))
    return
  fi
  if declare -F _command_offset >/dev/null; then
    _command_offset "$1"
    return
  fi
  local spec=$(complete -p -- "${COMP_WORDS[$1]}" 2>/dev/null)
  if [[ $spec =~ ' -F '([^ ]+) ]]; then
    local COMP_WORDS=("${COMP_WORDS[@]:$1}") COMP_CWORD=$((COMP_CWORD - $1))
    local COMP_LINE="${COMP_WORDS[*]}"
    local COMP_POINT=${#COMP_LINE}
    "${BASH_REMATCH[1]}" "${COMP_WORDS[0]}" "$current" "${COMP_WORDS[COMP_CWORD-1]}"
  else
    _hbctl_files
  fi
}
)bash";

}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::string script =
      bash_parts +
      std::string(
          "_hbctl() {\n"
          "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
          "  local verb= words i\n"
          "  [ \"$previous\" != = ] || previous=${COMP_WORDS[COMP_CWORD-2]}\n"
          "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
          "    case ${COMP_WORDS[i]} in\n"
          "      --) [ \"$verb\" != run ] || { _hbctl_command $((i + 1)); return; } ;;\n"
          "      ") +
      verb_names(app, "|") +
      ") [ -n \"$verb\" ] || verb=${COMP_WORDS[i]} ;;\n"
      "    esac\n"
      "  done\n"
      "  case $verb in\n";
  for (const CLI::App* verb : verbs_of(app)) {
    script += "    " + verb->get_name() + ") words='" + words_of(*verb) + " " + words_of(app) +
              choices_of(verb->get_name()) + "' ;;\n";
  }
  script += "    *) words='" + verb_names(app, " ") + " " + words_of(app) +
            "' ;;\n"
            "  esac\n"
            "  case $verb$previous in\n";
  for (const CLI::App* verb : verbs_of(app)) {
    script += bash_values(*verb, verb->get_name());
  }
  return script + bash_values(app, "*") +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -F _hbctl hbctl\n";
}

std::string zsh_completion(const CLI::App& app) {
  std::string script =
      "#compdef hbctl\n"
      "# zsh completion for hbctl: eval \"$(hbctl completion zsh)\", or as _hbctl in the fpath\n"
      "_hbctl() {\n"
      "  local -a global verbs options before\n"
      "  global=(\n" +
      zsh_options(app) +
      "  )\n"
      "  verbs=(\n";
  for (const CLI::App* verb : verbs_of(app)) {
    script += "    '" + verb->get_name() + ":" + described(verb->get_description()) + "'\n";
  }
  script +=
      "  )\n"
      "  before=(\"${(@)words[2,CURRENT-1]}\")\n"
      "  local verb=${before[(r)(" +
      verb_names(app, "|") +
      ")]}\n"
      "  case $verb in\n";
  for (const CLI::App* verb : verbs_of(app)) {
    script += "  " + verb->get_name() + ")\n    options=(\n" + zsh_options(*verb) +
              zsh_positionals(*verb) + "    )\n    ;;\n";
  }
  return script +
         "  *) _describe verb verbs ;;\n"
         "  esac\n"
         "  if [[ $verb = run ]] && (( ${before[(I)--]} )); then\n"
         "    # Behind the first -- stands a command line of its own.\n"
         "    shift ${words[(i)--]} words\n"
         "    (( CURRENT -= ${before[(i)--]} + 1 ))\n"
         "    _normal\n"
         "    return\n"
         "  fi\n"
         "  if [[ -n $verb ]]; then\n"
         "    words[${words[(i)$verb]}]=()\n"
         "    (( CURRENT -= 1 ))\n"
         "  fi\n"
         "  _arguments -S $global $options\n"
         "}\n"
         "# Autoloaded, this file is the function's first call.\n"
         "if [[ $funcstack[1] = _hbctl ]]; then _hbctl \"$@\"; else compdef _hbctl hbctl; fi\n";
}

}  // namespace heartbeat::hbctl
