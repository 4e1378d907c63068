// Aligned columns for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "heartbeat/status.hpp"
#include "output.hpp"

namespace heartbeat::hbctl {

struct Row {
  std::vector<std::string> cells;
  Colour colour = Colour::none;
};

// One line for each row, the header (unless empty) first; cells are made fit for a terminal.
void print_table(const std::vector<std::string>& header, const std::vector<Row>& rows);

// Prints them in the order given.
void print_runs(const std::vector<RunRow>& runs);

}  // namespace heartbeat::hbctl
