#include "watch/header.hpp"

#include <algorithm>

#include "duration.hpp"
#include "watch/terminal_text.hpp"

namespace heartbeat::hbctl::watch {

namespace {

constexpr Style strong{.bold = true};
constexpr Style alarming{.colour = Colour::red, .bold = true, .reverse = true};

std::string seconds(Duration duration) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(duration);
  return whole.count() == 0 ? "0s" : format_duration(whole);
}

Line monitor_line(const Known& known, bool outdated) {
  Line line{{known.endpoint() + "  ", strong}};
  if (!known.snapshot()) {
    return line;
  }
  const MonitorHealth& health = known.snapshot()->health;
  if (health.overloaded) {
    line.push_back({"overloaded", alarming});
  } else if (!outdated) {
    line.push_back({"online", {.colour = Colour::green}});
  } else {
    line.push_back({"was online", {}});
  }
  line.push_back({", up " + format_duration(health.uptime_ms) + ", ingest lag " +
                      format_duration(health.ingest_lag_ms) + ", version " + health.version +
                      ", epoch " + health.epoch,
                  {}});
  return line;
}

Line counts_line(const RunCounts& counts) {
  return {{grouped(counts.running + counts.idle) + " in flight: " + grouped(counts.running) +
               " running, " + grouped(counts.idle) + " idle; ",
           {}},
          {grouped(counts.stale) + " stale",
           {.colour = counts.stale > 0 ? Colour::yellow : Colour::none, .bold = counts.stale > 0}}};
}

Line last_alert_line(const Snapshot& snapshot, Duration age) {
  if (!snapshot.last_alert) {
    return {{"no alert yet", {}}};
  }
  const Alert& alert = *snapshot.last_alert;
  const Duration ago =
      std::max(snapshot.told_at.value_or(alert.raised_at) - alert.raised_at + age, Duration{});
  return {{"last alert " + seconds(ago) + " ago: ", {}},
          {alert.message, {.colour = colour_of(alert.severity)}},
          {(alert.run_id.empty() ? "" : ", run " + alert.run_id) + "  (" + alert.severity + " #" +
               std::to_string(alert.seq) + ")",
           {}}};
}

// What must not be overlooked.
std::vector<Line> news_lines(const Known& known, Instant now) {
  std::vector<Line> lines;
  if (known.outdated(now)) {
    const std::string age = seconds(known.age(now));
    const std::string& why = known.trouble();
    lines.push_back({{known.snapshot() ? "NO ANSWER: what is shown is " + age + " old"
                                       : "NO ANSWER for " + age + ": nothing is known",
                      alarming},
                     {why.empty() ? "" : " (" + why + ")", alarming}});
  }
  if (const auto ago = known.restarted(now)) {
    lines.push_back({{"the monitor was restarted " + seconds(*ago) +
                          " ago: it has forgotten the runs and alerts from before",
                      {.colour = Colour::yellow, .bold = true}}});
  }
  return lines;
}

std::string filter_text(const Wish& wish) {
  std::string text = wish.state == StateFilter::all ? "all runs" : std::string(name(wish.state));
  return wish.agent.empty() ? text : text + ", agent " + wish.agent;
}

// Of how many the rows are how many.
std::string extent_text(const Snapshot& snapshot) {
  const std::string shown_runs = grouped(snapshot.runs.size());
  if (snapshot.complete) {
    return shown_runs + (snapshot.wish.all() ? "" : " match");
  }
  if (snapshot.wish.all()) {
    return shown_runs + " of " + grouped(snapshot.counts.running + snapshot.counts.idle) +
           " shown, most urgent first";
  }
  return shown_runs + " shown of more that match" +
         (snapshot.wish.state == StateFilter::stale ? "" : ": all stale ones, then some others");
}

Line scope_line(const View& view, const Known& known) {
  const Wish wish = view.wish();
  Line line{{filter_text(wish), strong}, {": ", {}}};
  const auto& snapshot = known.snapshot();
  const bool answered =
      snapshot && snapshot->wish.agent == wish.agent && snapshot->wish.state == wish.state;
  line.push_back({answered ? extent_text(*snapshot) : "asking …", {}});
  return line;
}

}  // namespace

std::vector<Line> header_lines(const View& view, const Known& known, Instant now) {
  const bool outdated = known.outdated(now);
  std::vector<Line> lines{monitor_line(known, outdated)};
  if (known.snapshot()) {
    lines.push_back(counts_line(known.snapshot()->counts));
    lines.push_back(last_alert_line(*known.snapshot(), known.age(now)));
  }
  if (outdated) {
    for (Line& line : lines) {
      for (Piece& piece : line) {
        piece.style = {.dim = true};
      }
    }
  }
  std::vector<Line> news = news_lines(known, now);
  lines.insert(lines.begin(), news.begin(), news.end());
  if (view.page() == View::Page::table) {
    lines.push_back(scope_line(view, known));
  }
  return lines;
}

}  // namespace heartbeat::hbctl::watch
