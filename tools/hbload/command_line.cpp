#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "heartbeat/event.hpp"
#include "options.hpp"
#include "output.hpp"

namespace heartbeat::hbload {
namespace {

constexpr const char* examples =
    "Examples: hbload throughput --agents 1000000 --batch 64 --receiver $(pidof hbmond)\n"
    "          hbload latency --agents 100000 --rate 50000 --silent 10000";

std::function<int()> only(int code) {
  return [code] { return code; };
}

// Everything that parsing writes to; the chosen verb keeps it alive.
struct CommandLine {
  CLI::App app{"Loads a Heartbeat monitor, or what reads the same messages, and measures.",
               "hbload"};
  LoadOptions load;
  ThroughputOptions throughput;
  LatencyOptions latency;
  CLI::Option* rate = nullptr;
  std::function<int()> chosen;

  CLI::Option* number(CLI::App& to, const std::string& option, std::uint64_t& target,
                      std::uint64_t min, std::uint64_t max, const std::string& help) {
    return to.add_option(option, target, help)
        ->check(CLI::Range(min, max))
        ->type_name("N")
        ->capture_default_str();
  }

  CLI::Option* real(CLI::App& to, const std::string& option, double& target, double min, double max,
                    const std::string& help) {
    return to.add_option(option, target, help)
        ->check(CLI::Range(min, max))
        ->type_name("X")
        ->capture_default_str();
  }

  void endpoint(const std::string& option, const std::string& variable, std::string& target,
                const std::string& help) {
    app.add_option(option, target, help)->envname(variable)->capture_default_str();
  }

  // Not while parsing: --help must work whatever the environment says.
  void check() const {
    for (const auto& [option, value] : {std::pair{"--events, HB_EVENTS", load.endpoints.events},
                                        std::pair{"--alerts, HB_ALERTS", load.endpoints.alerts},
                                        std::pair{"--status, HB_STATUS", load.endpoints.status}}) {
      if (!is_endpoint(value) || value.ends_with(":*")) {
        throw CLI::ValidationError(option, "'" + value + "' is not tcp://HOST:PORT or ipc://PATH");
      }
    }
    if (load.processes > load.agents) {
      throw CLI::ValidationError("--processes", "expected at most one for each of the agents");
    }
  }

  void describe_common() {
    app.require_subcommand(1);
    app.fallthrough();
    app.set_version_flag("--version", "hbload " HEARTBEAT_VERSION);
    endpoint("--events", "HB_EVENTS", load.endpoints.events, "where events are taken");
    endpoint("--alerts", "HB_ALERTS", load.endpoints.alerts, "where alerts are published");
    endpoint("--status", "HB_STATUS", load.endpoints.status, "where the receiver answers");
    app.add_flag("--json", load.json, "for programs: one object");
    number(app, "--agents", load.agents, 1, agents_max, "runs, registered before the clock starts");
    rate = real(app, "--rate", load.rate, 0, 1e9,
                "events a second; 0: as fast as it goes (latency: 10000)");
    number(app, "--batch", load.batch, 1, batch_max, "events in a message");
    number(app, "--processes", load.processes, 1, 1'000,
           "senders, each with a connection and a source of its own");
    app.add_flag("--source-per-agent", load.source_per_agent, "each agent has a source of its own");
    app.add_option_function<std::string>(
           "--mix",
           [this](const std::string& value) {
             const auto mix = parse_mix(value);
             if (!mix) {
               throw CLI::ValidationError(
                   "--mix", "'" + value +
                                "' is not KIND=SHARE,… with kinds activity, progress, "
                                "phase, promise, idle, register and shares from 1 to 10000");
             }
             load.mix = *mix;
           },
           "what is sent (default activity=98,idle=1,progress=1)")
        ->type_name("KIND=SHARE,…");
    app.footer(
        "The options above may also stand after the verb. Nobody else should send meanwhile. The "
        "runs "
        "stay in\nflight until they time out.\n"
        "Exit codes: 0 done; 1 something was lost, rejected or missed, or it failed; 2 usage; 3 "
        "the "
        "receiver does\nnot answer or read; 130 interrupted.\n" +
        std::string(examples));
  }

  void describe_throughput() {
    CLI::App& verb = *app.add_subcommand("throughput", "how many events are read in a second");
    auto* count =
        verb.add_option("--count", throughput.count, "events; 0: the runs are registered, no more")
            ->check(CLI::Range(std::uint64_t{0}, count_max))
            ->type_name("N");
    real(verb, "--seconds", throughput.seconds, 0.01, static_cast<double>(seconds_max),
         "for how long, where no --count is given")
        ->excludes(count);
    verb.add_option("--receiver", throughput.receiver,
                    "the process whose processor time is told for each event")
        ->check(CLI::Range(1, 1 << 30))
        ->type_name("PID");
    verb.callback([this] { chosen = [this] { return run_throughput(load, throughput); }; });
  }

  void describe_latency() {
    CLI::App& verb = *app.add_subcommand(
        "latency", "how long after its deadline an alert is there, under a load");
    number(verb, "--silent", latency.silent, 1, agents_max, "agents that fall silent");
    real(verb, "--over", latency.over_seconds, 0, over_seconds_max,
         "seconds over which their deadlines are spread; 0: all are due at once");
    verb.callback([this] {
      if (rate->empty()) {
        load.rate = 10'000;
      }
      chosen = [this] { return run_latency(load, latency); };
    });
  }
};

}  // namespace

std::function<int()> parse_command_line(int argc, char** argv) {
  const auto line = std::make_shared<CommandLine>();
  line->describe_common();
  line->describe_throughput();
  line->describe_latency();
  try {
    line->app.parse(argc, argv);
    line->check();
  } catch (const CLI::RequiredError&) {
    complain("which verb? throughput or latency; hbload --help shows more");
    return only(exit_usage);
  } catch (const CLI::ParseError& error) {
    return only(line->app.exit(error) == 0 ? exit_ok : exit_usage);
  }
  return [line] { return line->chosen(); };
}

}  // namespace heartbeat::hbload
