#include "daemon/settings.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace heartbeat::daemon {
namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

// `member(options)` is where the value goes.
template <class Member>
Setting number(std::string name, std::uint64_t min, std::uint64_t max, std::string about,
               Member member) {
  return {std::move(name),
          SettingKind::number,
          std::move(about),
          "a whole number from " + std::to_string(min) + " to " + std::to_string(max),
          [=](Options& options, const std::string& text) {
            const auto value = parse_number(text);
            if (!value || *value < min || *value > max) {
              return false;
            }
            member(options, std::optional(*value));
            return true;
          },
          [=](Options options) { return std::to_string(member(options, std::nullopt)); }};
}

template <class Member>
Setting duration(std::string name, std::uint64_t min, std::string about, Member member) {
  return number(std::move(name), min, static_cast<std::uint64_t>(duration_max.count()),
                std::move(about), [=](Options& options, std::optional<std::uint64_t> value) {
                  Duration& target = member(options);
                  if (value) {
                    target = Duration(*value);
                  }
                  return target.count();
                });
}

template <class Member>
Setting size(std::string name, std::uint64_t max, std::string about, Member member) {
  return number(std::move(name), 1, max, std::move(about),
                [=](Options& options, std::optional<std::uint64_t> value) {
                  std::size_t& target = member(options);
                  if (value) {
                    target = static_cast<std::size_t>(*value);
                  }
                  return target;
                });
}

template <class Member>
Setting flag(std::string name, std::string about, Member member) {
  return {std::move(name),
          SettingKind::flag,
          std::move(about),
          "true or false (or 1 or 0)",
          [=](Options& options, const std::string& text) {
            const bool yes = text == "true" || text == "1";
            if (!yes && text != "false" && text != "0") {
              return false;
            }
            member(options) = yes;
            return true;
          },
          [=](Options options) { return member(options) ? "on" : "off"; }};
}

template <class Member>
Setting choice(std::string name, std::vector<std::string> words, std::string about, Member member) {
  std::string expected;
  for (const std::string& word : words) {
    expected += (expected.empty() ? "" : word == words.back() ? " or " : ", ") + word;
  }
  return {std::move(name),
          SettingKind::text,
          std::move(about),
          std::move(expected),
          [=](Options& options, const std::string& text) {
            const bool known = std::find(words.begin(), words.end(), text) != words.end();
            if (known) {
              member(options) = text;
            }
            return known;
          },
          [=](Options options) { return member(options); }};
}

template <class Member>
Setting endpoint(std::string name, std::string about, Member member) {
  return {std::move(name),
          SettingKind::text,
          std::move(about),
          endpoint_form,
          [=](Options& options, const std::string& text) {
            const bool good = is_endpoint(text);
            if (good) {
              member(options) = text;
            }
            return good;
          },
          [=](Options options) { return member(options); }};
}

}  // namespace

std::string flag_of(const Setting& setting) {
  std::string flag = "--" + setting.name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string variable_of(const Setting& setting) {
  std::string variable = "HB_" + setting.name;
  std::transform(variable.begin(), variable.end(), variable.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return variable;
}

std::vector<Setting> make_settings() {
  std::vector<Setting> settings{
      endpoint(
          "events", "where agents connect to publish",
          [](Options & o) -> auto& { return o.endpoints.events; }),
      endpoint(
          "alerts", "where consumers connect for alerts and the monitor's beat",
          [](Options & o) -> auto& { return o.endpoints.alerts; }),
      endpoint(
          "status", "where clients such as hbctl connect to ask",
          [](Options & o) -> auto& { return o.endpoints.status; }),
      duration(
          "check_interval_ms", 1,
          "distance of repeated warnings (with --no-stale-warning-only-once)",
          [](Options & o) -> auto& { return o.limits.check_interval_ms; }),
      duration(
          "stale_threshold_ms", 1, "a run silent for longer is stale: a warning",
          [](Options & o) -> auto& { return o.limits.stale_threshold_ms; }),
      duration(
          "timeout_threshold_ms", 1,
          "a longer run is taken out of flight, whatever it does: an error",
          [](Options & o) -> auto& { return o.limits.timeout_threshold_ms; }),
      flag(
          "stale_warning_only_once",
          "one warning per silence; off: again every check interval while it lasts",
          [](Options & o) -> auto& { return o.limits.stale_warning_only_once; }),
      flag(
          "stale_rearm",
          "a run heard again can become stale again; off: one warning per registration",
          [](Options & o) -> auto& { return o.limits.stale_rearm; }),
      flag(
          "adopt_unknown", "activity of a run that never registered starts it; off: it is ignored",
          [](Options & o) -> auto& { return o.limits.adopt_unknown; }),
      size(
          "runs_max", 100'000'000, "runs in flight; more are refused, and an alert says so",
          [](Options & o) -> auto& { return o.limits.runs_max; }),
      duration(
          "tombstone_ms", 0,
          "how long an ended run is remembered, so that late events revive nothing",
          [](Options & o) -> auto& { return o.limits.tombstone_ms; }),
      size(
          "alerts_kept", 10'000'000, "alerts that consumers can ask for again",
          [](Options & o) -> auto& { return o.alerts_kept; }),
      duration(
          "ingest_lag_max_ms", 1,
          "verdicts wait for unread input, but no longer; alerts then say overloaded",
          [](Options & o) -> auto& { return o.ingest_lag_max_ms; }),
      duration(
          "store_wait_max_ms", 1,
          "alerts wait for a commit that takes so long at most; then a new epoch begins that is "
          "not "
          "in the file",
          [](Options & o) -> auto& { return o.store_wait_max_ms; }),
      duration(
          "restart_grace_ms", 0,
          "after a start from --state (not again within 10 times that), and where a reload "
          "shortens "
          "limits, no silence is warned of for so long",
          [](Options & o) -> auto& { return o.restart_grace_ms; }),
      size(
          "history_days", 36'500, "how long alerts are kept in the state file",
          [](Options & o) -> auto& { return o.history_days; }),
      choice(
          "log_level", {"trace", "debug", "info", "warn", "error", "critical", "off"},
          "least severity that is logged, to standard error",
          [](Options & o) -> auto& { return o.log_level; }),
      choice(
          "log_format", {"text", "json"}, "for people, or one JSON object per line",
          [](Options & o) -> auto& { return o.log_format; }),
      flag(
          "insecure", "allow TCP endpoints beyond loopback, where anyone can publish and ask",
          [](Options & o) -> auto& { return o.insecure; }),
  };
  settings.push_back({"state", SettingKind::text,
                      "SQLite file that keeps runs, alerts and epoch over restarts",
                      "the path of a state file, or of one to create",
                      [](Options& options, const std::string& text) {
                        options.state = text;
                        return !text.empty();
                      },
                      [](const Options& options) { return options.state.value_or("none"); }});
  Setting config{"config",
                 SettingKind::text,
                 "TOML file to read; SIGHUP reads it again",
                 "the path of a readable, regular TOML file",
                 [](Options& options, const std::string& text) {
                   options.config = text;
                   return !text.empty();
                 },
                 [](const Options&) { return std::string("none"); }};
  config.in_file = false;
  settings.push_back(std::move(config));
  for (Setting& setting : settings) {
    for (const std::string_view fixed : {"events", "alerts", "status", "alerts_kept", "log_format",
                                         "insecure", "state", "history_days", "config"}) {
      setting.live = setting.live && setting.name != fixed;
    }
  }
  return settings;
}

}  // namespace heartbeat::daemon
