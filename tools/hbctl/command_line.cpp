#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "caller.hpp"
#include "client/alert_cursor.hpp"
#include "completion.hpp"
#include "options.hpp"
#include "output.hpp"
#include "telling/duration.hpp"
#include "usable_text.hpp"
#include "when.hpp"
#include "words.hpp"

namespace heartbeat::hbctl {

namespace {

using Verb = std::function<int()>;

constexpr const char* which_verb =
    "which verb? status, watch, agents, show, why, alerts, history, counters, ping, emit, run or "
    "completion";

[[noreturn]] void refuse(const std::string& option, const std::string& value,
                         const std::string& expected) {
  throw CLI::ValidationError(option, "'" + value + "' is not " + expected);
}

CLI::Option* text(CLI::App& app, const std::string& option, std::optional<std::string>& target,
                  const std::string& help) {
  return app
      .add_option_function<std::string>(
          option, [&target](const std::string& value) { target = value; }, help)
      ->type_name("TEXT");
}

CLI::Option* number(CLI::App& app, const std::string& option, std::uint64_t min,
                    const std::function<void(std::uint64_t)>& take, const std::string& help) {
  const auto read = [option, min, take](const std::string& value) {
    std::uint64_t parsed = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
    if (error != std::errc{} || end != value.data() + value.size() || parsed < min) {
      refuse(option, value, "a whole number of at least " + std::to_string(min));
    }
    take(parsed);
  };
  return app.add_option_function<std::string>(option, read, help)->type_name("N");
}

template <class Target>
CLI::Option* duration(CLI::App& app, const std::string& option, Duration min, Target& target,
                      const std::string& help) {
  const auto read = [option, min, &target](const std::string& value) {
    const auto parsed = parse_duration(value);
    if (!parsed || *parsed < min) {
      refuse(option, value,
             "a duration of at least " + format_exactly(min) +
                 " and at most ten years, such as 90s, 10m, 1500ms or 2h");
    }
    target = *parsed;
  };
  return app.add_option_function<std::string>(option, read, help)->type_name("DURATION");
}

// What stands there is taken by the monitor as it is.
template <class Member>
CLI::Option* usable(CLI::Option* option, Member Event::*field) {
  return option->check([field](const std::string& value) { return why_unusable(field, value); }, "",
                       "");
}

// The option, if there is one, that the monitor would check and ignore in an event of this kind.
std::optional<std::string> misplaced_option(const EmitOptions& emit) {
  const bool registers = emit.kind == EventKind::register_;
  const bool ends = emit.kind == EventKind::unregister;
  if (emit.stale_after && ends) return "--promise";
  if (emit.phase && ends) return "--phase";
  if (emit.idle_for && ends) return "--idle-for";
  if (emit.timeout_after && !registers) return "--timeout-after";
  if (emit.progress && emit.kind != EventKind::activity) return "--progress";
  if (emit.outcome && !ends) return "--outcome";
  return std::nullopt;
}

// Everything that parsing writes to; the chosen verb keeps it alive.
struct CommandLine {
  CLI::App app{"Asks the Heartbeat monitor, follows its alerts, and reports for agents.", "hbctl"};
  Caller caller;
  Options options;
  AgentsOptions agents;
  ShowOptions show;
  AlertsOptions alerts;
  HistoryOptions history;
  EmitOptions emit;
  RunOptions wrapped;
  CLI::Option* command = nullptr;        // of `run`, which CLI11 describes and never sees,
  std::vector<std::string> before_mark;  // so that what it takes for it stands before the --
  WatchOptions watched;
  std::string shell;
  Verb chosen;
  struct EndpointOption {
    std::string option;
    std::string variable;
    const std::string* value;
  };
  std::vector<EndpointOption> endpoints;

  CLI::App& verb(const std::string& name, const std::string& help, const std::string& example,
                 const Verb& run) {
    CLI::App* added = app.add_subcommand(name, help);
    added->fallthrough();
    added->footer("Endpoints, --timeout and --json: see hbctl --help.\nExample: " + example);
    added->callback([this, run] { chosen = run; });
    return *added;
  }

  void endpoint(const std::string& option, const std::string& variable, std::string& target,
                const std::string& help) {
    app.add_option(option, target, help)->envname(variable)->capture_default_str();
    endpoints.push_back({option, variable, &target});
  }

  // Not while parsing: --help must work whatever the environment says.
  void check_endpoints() const {
    for (const auto& [option, variable, value] : endpoints) {
      const char* set = std::getenv(variable.c_str());
      if (!is_endpoint(*value) || value->ends_with(":*")) {
        refuse(set != nullptr && *value == set ? variable : option, *value,
               "tcp://HOST:PORT or ipc://PATH");
      }
    }
  }

  void describe_common() {
    app.require_subcommand(0, 1);
    app.set_version_flag("--version", "hbctl " HEARTBEAT_VERSION);
    endpoint("--events", "HB_EVENTS", options.endpoints.events, "where the monitor takes events");
    endpoint("--alerts", "HB_ALERTS", options.endpoints.alerts,
             "where the monitor publishes alerts");
    endpoint("--status", "HB_STATUS", options.endpoints.status, "where the monitor answers");
    app.add_flag("--json", options.json, "for programs: one object, of streams one per line");
    duration(app, "--timeout", Duration{1}, options.timeout, "for each answer (default 2s)");
    app.footer(
        "The options above may also stand after the verb.\n"
        "Times are local; those of --json are UTC.\n"
        "Exit codes: 0 done; 1 no (not found, rejected) or failed; 2 usage; 3 the monitor does not "
        "answer.\n"
        "hbctl VERB --help shows the verb's own options and an example.");
  }

  void describe_queries() {
    verb("status", "the monitor, and the runs that need attention first", "hbctl status --json",
         [this] { return run_status(options); });
    CLI::App& live =
        verb("watch", "a live table of the runs, those that need attention first",
             "hbctl watch --interval 2s", [this] { return run_watch(options, watched); });
    duration(live, "--interval", Duration{500}, watched.interval,
             "how often the monitor is asked (default 1s)");
    live.footer(
        "Keys: / filters by agent, s by state, Enter opens a run, q quits, ? shows all keys.\n"
        "Exit codes: 0 it was ended; 1 failed; 2 usage, or no terminal to draw on. A monitor that "
        "does not answer\nis asked again, and what is shown says how old it is.\n"
        "Example: hbctl watch --interval 2s");
    CLI::App& list = verb("agents", "all runs in flight, those that need attention first",
                          "hbctl agents --state stale --agent 'dev-*'",
                          [this] { return run_agents(options, agents); });
    text(list, "--state", agents.state, "only those: running, idle or stale")
        ->check(CLI::IsMember({"running", "idle", "stale"}));
    text(list, "--agent", agents.agent, "only agents whose id matches (* and ?)")
        ->type_name("GLOB");
    number(
        list, "--limit", 1, [this](std::uint64_t n) { agents.limit = n; },
        "at most so many, the most urgent ones");
    CLI::App& one = verb("show", "everything about one agent's runs", "hbctl show dev-1 --run r7",
                         [this] { return run_show(options, show); });
    one.add_option("AGENT", show.agent_id, "the agent's id")->required()->type_name("");
    text(one, "--run", show.run_id, "only this run of it");
    CLI::App& verdict = verb(
        "why", "why an agent's runs are judged as they are: limits, last events, losses, alerts",
        "hbctl why dev-1", [this] { return run_why(options, show); });
    verdict.add_option("AGENT", show.agent_id, "the agent's id")->required()->type_name("");
    text(verdict, "--run", show.run_id, "only this run of it");
    CLI::App& log =
        verb("alerts", "the alerts that the monitor keeps, and those to come",
             "hbctl alerts --since 120 --follow", [this] { return run_alerts(options, alerts); });
    log.add_flag("--follow", alerts.follow,
                 "go on with alerts as they come, until Ctrl-C; without --since beginning now");
    CLI::Option* since = number(
        log, "--since", 0, [this](std::uint64_t n) { alerts.since = n; },
        "only those after this seq");
    log.add_option_function<std::string>(
           "--epoch",
           [this](const std::string& value) {
             if (!client::is_epoch(value)) {
               refuse("--epoch", value, "an epoch, as alerts and ping name it");
             }
             alerts.epoch = value;
           },
           "the epoch of --since; where the monitor has another, all that it keeps")
        ->type_name("EPOCH")
        ->needs(since);
    describe_history();
    verb("counters", "what the monitor has counted", "hbctl counters --json",
         [this] { return run_counters(options); });
    verb("ping", "whether the monitor answers", "hbctl ping --timeout 500ms",
         [this] { return run_ping(options); });
  }

  void describe_history() {
    CLI::App& past = verb("history", "alerts of the past, from a monitor's state file",
                          "hbctl history --state /var/lib/heartbeat/state --since 2h",
                          [this] { return run_history(options, history); });
    past.add_option("--state", history.state, "the file that the monitor writes, or has written")
        ->required()
        ->type_name("FILE");
    text(past, "--agent", history.agent, "only those about agents whose id matches (* and ?)")
        ->type_name("GLOB");
    past.add_option_function<std::string>(
            "--since",
            [this](const std::string& value) {
              const auto now = std::chrono::system_clock::now();
              history.since = parse_when(value, std::chrono::floor<Duration>(now));
              if (!history.since) {
                refuse("--since", value,
                       "a duration such as 2h, seconds or milliseconds since 1970, or a date such "
                       "as 2026-11-24 or 2026-11-24T02:42:38Z");
              }
            },
            "only those since then: so long ago (2h), a date and time (local without a zone), or "
            "seconds since 1970")
        ->type_name("WHEN");
    number(
        past, "--limit", 1, [this](std::uint64_t n) { history.limit = n; },
        "at most so many, the newest ones (default 10000)");
    past.footer(
        "It asks no monitor: the file is read, also while one writes to it.\n"
        "Exit codes: 0 done; 2 usage, or the file cannot be used.\n"
        "Example: hbctl history --state /var/lib/heartbeat/state --since 2h");
  }

  void describe_emit() {
    CLI::App& send = verb("emit", "reports for an agent; returns when the monitor has read it",
                          "hbctl emit activity build-7 --promise 10m --phase tests", nullptr);
    send.callback([this] {
      if (const auto option = misplaced_option(emit)) {
        throw CLI::ValidationError(*option,
                                   "not in an event of kind " + std::string(name(emit.kind)));
      }
      chosen = [this] { return run_emit(options, emit); };
    });
    send.add_option_function<std::string>(
            "KIND",
            [this](const std::string& value) {
              const auto kind = from_name<EventKind>(value);
              if (!kind) {
                refuse("KIND", value, "one of register, activity, idle, unregister");
              }
              emit.kind = *kind;
            },
            "register, activity, idle or unregister")
        ->required()
        ->type_name("");
    usable(send.add_option("AGENT", emit.agent_id, "the agent's id")->required()->type_name(""),
           &Event::agent_id);
    usable(send.add_option("--run", emit.run_id, "which run of the agent"), &Event::run_id);
    usable(text(send, "--task", emit.task_id, "what it works on"), &Event::task_id);
    usable(text(send, "--type", emit.agent_type, "class of agent"), &Event::agent_type);
    text(send, "--phase", emit.phase, "what it is doing now");
    text(send, "--detail", emit.detail, "free text for the person who looks");
    usable(text(send, "--outcome", emit.outcome, "unregister: done, failed, …"), &Event::outcome);
    number(
        send, "--progress", 0, [this](std::uint64_t n) { emit.progress = n; },
        "activity: grows as the work advances");
    duration(send, "--promise", Duration{1}, emit.stale_after,
             "the monitor hears from it again within this time");
    duration(send, "--timeout-after", Duration{1}, emit.timeout_after,
             "register: this run's own limit");
    duration(send, "--running-for", Duration{0}, emit.running_for, "age of the run");
    duration(send, "--idle-for", Duration{0}, emit.idle_for, "age of its last activity");
  }

  void describe_run() {
    CLI::App& wrap =
        verb("run", "runs a command as a run of an agent, and ends as it does",
             "hbctl run --agent nightly-build --beat-on-output --promise 10m -- make", nullptr);
    usable(wrap.add_option("--agent", wrapped.agent_id, "the agent's id")->required(),
           &Event::agent_id);
    usable(text(wrap, "--run", wrapped.run_id, "which run of it (default: this host and process)"),
           &Event::run_id);
    usable(wrap.add_option("--task", wrapped.task_id, "what it works on"), &Event::task_id);
    wrap.add_option("--type", wrapped.agent_type, "class of agent");
    wrap.add_flag(
        "--beat-on-output", wrapped.beat_on_output,
        "alive only while it prints; its output then goes through a pipe, which what it leaves "
        "running in the background outlives: print into a file there");
    duration(wrap, "--promise", Duration{1}, wrapped.promise,
             "so long a silence is no cause for a warning");
    duration(wrap, "--timeout-after", Duration{1}, wrapped.timeout_after, "this run's own limit");
    command = wrap.add_option("COMMAND", before_mark, "the command and its arguments, behind --")
                  ->required()
                  ->type_name("");
    wrap.callback([this] {
      if (!before_mark.empty()) {
        throw CLI::ValidationError("'" + before_mark.front() + "' is no option");
      }
      chosen = [this] { return run_run(options, wrapped, caller); };
    });
    wrap.footer(
        "Input, output, signals and the exit code pass through, with a monitor or without. hbctl "
        "show tells the\ncommand line. Ctrl-Z and what else stops or resumes is not passed on: the "
        "terminal sends it to both. A\nsignal that a program sends to the process group of both "
        "reaches the command twice.\n"
        "Exit codes: the command's; 126 it cannot be started; 127 it was not found; 2 usage. "
        "Killed "
        "by a signal, it\nends by the same (a shell says 128 and the signal's number).\n"
        "Without a monitor it ends up to 0.2 s later than the command; 1 s where the monitor was "
        "there, or its host\ndoes not answer.\n"
        "Example: hbctl run --agent nightly-build --beat-on-output --promise 10m -- make");
  }

  void describe_completion() {
    CLI::App& made = verb("completion", "prints a script that teaches the shell these words",
                          "eval \"$(hbctl completion bash)\"", [this] {
                            const bool bash = shell == "bash";
                            print(bash ? bash_completion(app) : zsh_completion(app));
                            return exit_ok;
                          });
    made.add_option("SHELL", shell, "bash or zsh")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh"}))
        ->type_name("");
  }

  void parse(int argc, char** argv) {
    Words words = separated(argc, argv, app);
    wrapped.command = std::move(words.command).value_or(std::vector<std::string>{});
    command->required(wrapped.command.empty());
    std::reverse(words.own.begin(), words.own.end());  // as CLI11 wants them
    app.parse(std::move(words.own));
  }

  // What a usage error does not say by itself.
  std::string hint() const {
    const bool runs = app.got_subcommand("run");
    return runs && (wrapped.command.empty() || !before_mark.empty())
               ? "; the command stands behind --, as in: hbctl run --agent build -- make"
               : "";
  }

  // Of the verb that was chosen, if any: its help is the one that helps.
  std::string help_command() const {
    const auto verbs = app.get_subcommands();
    return "hbctl " + (verbs.empty() ? "" : verbs.front()->get_name() + " ") + "--help";
  }
};

Verb exit_with(int code) {
  return [code] { return code; };
}

}  // namespace

std::function<int()> parse_command_line(int argc, char** argv, const Caller& caller) {
  const auto line = std::make_shared<CommandLine>();
  line->caller = caller;
  line->describe_common();
  line->describe_queries();
  line->describe_emit();
  line->describe_run();
  line->describe_completion();
  std::string problem;
  try {
    line->parse(argc, argv);
    if (line->chosen) {
      line->check_endpoints();
      return [line] { return line->chosen(); };
    }
    problem = which_verb;
  } catch (const CLI::Success& success) {
    return exit_with(line->app.exit(success));
  } catch (const CLI::ExtrasError& error) {
    problem = line->app.get_subcommands().empty() ? error.what() + std::string("; ") + which_verb
                                                  : error.what();
  } catch (const CLI::ParseError& error) {
    problem = error.what();
  }
  std::cerr << "hbctl: " << problem << line->hint() << " (see " << line->help_command() << ")\n";
  return exit_with(exit_usage);
}

}  // namespace heartbeat::hbctl
