#include "table.hpp"

#include <algorithm>

#include "telling/duration.hpp"
#include "telling/run_state.hpp"

namespace heartbeat::hbctl {

namespace {

// Code points of valid UTF-8.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
  }));
}

std::string joined(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 < cells.size()) {
      line.append(widths[i] - width(cells[i]) + 2, ' ');
    }
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

void print_table(const std::vector<std::string>& header, const std::vector<Row>& rows) {
  std::vector<Row> all;
  if (!header.empty()) {
    all.push_back({header, Colour::none});
  }
  all.insert(all.end(), rows.begin(), rows.end());
  std::vector<std::size_t> widths;
  for (Row& row : all) {
    widths.resize(std::max(widths.size(), row.cells.size()));
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      row.cells[i] = shown(row.cells[i]);
      widths[i] = std::max(widths[i], width(row.cells[i]));
    }
  }
  for (const Row& row : all) {
    print(coloured(joined(row.cells, widths), row.colour));
  }
}

void print_runs(const std::vector<RunRow>& runs) {
  std::vector<Row> rows;
  for (const RunRow& run : runs) {
    rows.push_back({{run.agent_id, run.run_id.empty() ? "-" : run.run_id, state_of(run),
                     format_duration(run.idle_for_ms), format_duration(run.running_for_ms),
                     run.stale ? "passed" : format_duration(run.stale_in_ms),
                     format_duration(run.timeout_in_ms), run.task_id.empty() ? "-" : run.task_id,
                     run.phase.empty() ? "-" : run.phase},
                    run.stale ? Colour::yellow : Colour::none});
  }
  print_table({"AGENT", "RUN", "STATE", "IDLE FOR", "RUNNING FOR", "STALE IN", "TIMEOUT IN", "TASK",
               "PHASE"},
              rows);
}

}  // namespace heartbeat::hbctl
