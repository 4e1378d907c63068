#include "completion.hpp"

#include <vector>

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

std::string zsh_options(const CLI::App& app) {
  std::string lines;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& flag : flags_of(*option)) {
      const bool takes_value = option->get_items_expected_max() > 0;
      lines += "    '" + flag + "[" + described(option->get_description()) + "]" +
               (takes_value ? ":" + described(option->get_type_name()) + ":" : "") + "'\n";
    }
  }
  return lines;
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::string script =
      "# bash completion for hbctl: eval \"$(hbctl completion bash)\"\n"
      "_hbctl() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} verb= word words\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case $word in\n"
      "      --) [ \"$verb\" != run ] || { COMPREPLY=($(compgen -c -- \"$current\")); return; } "
      ";;\n"
      "      " +
      verb_names(app, "|") +
      ") [ -n \"$verb\" ] || verb=$word ;;\n"
      "    esac\n"
      "  done\n"
      "  case $verb in\n";
  for (const CLI::App* verb : verbs_of(app)) {
    script += "    " + verb->get_name() + ") words='" + words_of(*verb) + " " + words_of(app) +
              choices_of(verb->get_name()) + "' ;;\n";
  }
  return script + "    *) words='" + verb_names(app, " ") + " " + words_of(app) +
         "' ;;\n"
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
      "  local -a global verbs options\n"
      "  global=(\n" +
      zsh_options(app) +
      "  )\n"
      "  verbs=(\n";
  for (const CLI::App* verb : verbs_of(app)) {
    script += "    '" + verb->get_name() + ":" + described(verb->get_description()) + "'\n";
  }
  script +=
      "  )\n"
      "  local verb=${words[(r)(" +
      verb_names(app, "|") +
      ")]}\n"
      "  case $verb in\n";
  for (const CLI::App* verb : verbs_of(app)) {
    const std::string choices = choices_of(verb->get_name());
    script += "  " + verb->get_name() + ")\n    options=(\n" + zsh_options(*verb) +
              (choices.empty() ? "" : "    '2:choice:(" + choices.substr(1) + ")'\n") +
              (verb->get_name() == "run" ? "    '*::command:_normal'\n" : "") + "    )\n    ;;\n";
  }
  return script +
         "  *) _describe verb verbs ;;\n"
         "  esac\n"
         "  _arguments -S $global $options\n"
         "}\n"
         "compdef _hbctl hbctl\n";
}

}  // namespace heartbeat::hbctl
