#include "words.hpp"

#include <cstring>

namespace heartbeat::hbctl {

namespace {

// The option of the verb, or one of those for all verbs.
const CLI::Option* find_option(const CLI::App& app, const CLI::App* verb, const std::string& name) {
  const CLI::Option* option = verb != nullptr ? verb->get_option_no_throw(name) : nullptr;
  return option != nullptr ? option : app.get_option_no_throw(name);
}

const CLI::App* find_verb(const CLI::App& app, const std::string& word) {
  const auto verbs =
      app.get_subcommands([&word](const CLI::App* verb) { return verb->get_name() == word; });
  return verbs.empty() ? nullptr : verbs.front();
}

}  // namespace

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

Words separated(int argc, char** argv, const CLI::App& app) {
  Words words;
  const CLI::App* verb = nullptr;
  int at = 1;
  for (; at < argc && std::strcmp(argv[at], "--") != 0; ++at) {
    const std::string word = argv[at];
    const std::string name = word.substr(0, word.find('='));
    words.own.push_back(word);
    if (word.rfind('-', 0) != 0) {
      verb = verb != nullptr ? verb : find_verb(app, word);
      continue;
    }
    const CLI::Option* option = find_option(app, verb, name);
    if (option == nullptr || !takes_value(*option)) {
      continue;
    }
    if (word == name && at + 1 < argc) {
      words.own.emplace_back(argv[++at]);
    } else if (word == name + "=") {
      words.own.back() = name;
      words.own.emplace_back();
    }
  }
  if (at < argc && verb != nullptr && verb->get_name() == "run") {
    words.command.emplace(argv + at + 1, argv + argc);
  } else {
    words.own.insert(words.own.end(), argv + at, argv + argc);
  }
  return words;
}

}  // namespace heartbeat::hbctl
