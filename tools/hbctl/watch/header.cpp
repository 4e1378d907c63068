#include "watch/header.hpp"

#include <algorithm>
#include <utility>

#include "telling/duration.hpp"
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
  if (!known.snapshot()) {
    return {{known.endpoint(), strong}};
  }
  const MonitorHealth& health = known.snapshot()->health;
  Line line;
  if (health.overloaded) {
    line.push_back({"overloaded", alarming});
  } else if (!outdated) {
    line.push_back({"online", {.colour = Colour::green}});
  } else {
    line.push_back({"was online", {}});
  }
  line.push_back({"  " + known.endpoint(), strong});
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

std::size_t total_columns(const Line& line) {
  std::size_t columns = 0;
  for (const Piece& piece : line) {
    columns += columns_of(harmless(piece.text));
  }
  return columns;
}

// In two lines where one has no room for what it is about.
std::vector<Line> last_alert_lines(const Snapshot& snapshot, Duration age, std::size_t columns) {
  if (!snapshot.last_alert) {
    return {{{"no alert yet", {}}}};
  }
  const Alert& alert = *snapshot.last_alert;
  const Duration ago =
      std::max(snapshot.told_at.value_or(alert.raised_at) - alert.raised_at + age, Duration{});
  const Piece when{"last alert " + seconds(ago) + " ago", {}};
  const Piece what{alert.message, {.colour = colour_of(alert.severity)}};
  const Piece run{alert.run_id.empty() ? "" : ", run " + alert.run_id, {}};
  const Piece which{"  (" + alert.severity + " #" + std::to_string(alert.seq) + ")", {}};
  const Line one{when, {": ", {}}, what, run, which};
  if (total_columns(one) <= columns) {
    return {one};
  }
  return {{when, which}, {what, run}};
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

std::vector<Line> header_lines(const View& view, const Known& known, std::size_t columns,
                               Instant now) {
  const bool outdated = known.outdated(now);
  std::vector<Line> lines{monitor_line(known, outdated)};
  if (known.snapshot()) {
    lines.push_back(counts_line(known.snapshot()->counts));
    for (Line& line : last_alert_lines(*known.snapshot(), known.age(now), columns)) {
      lines.push_back(std::move(line));
    }
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
