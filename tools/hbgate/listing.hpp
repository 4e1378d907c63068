// All runs in flight, as a screen wants them: the most urgent first, or by a column; searched,
// filtered, and a part of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "heartbeat/status.hpp"

namespace heartbeat::hbgate {

struct Listing {
  static constexpr std::size_t rows_max = 200'000;

  WallTime listed_at{};
  std::vector<RunRow> rows;  // the most urgent first; ages are as of listed_at
  bool truncated = false;    // there are more runs in flight; the most urgent are among the rows
};

struct Ranking {
  std::string search{};                     // part of a text of the row, in whatever case
  std::optional<std::string> status{};      // running, idle, stale
  std::optional<std::string> agent_type{};  // exactly
  std::string sort = "attention";           // one of sort_columns(), perhaps behind a `-`
  std::size_t offset = 0;
  std::size_t limit = 100;
};

// What can be sorted by.
const std::vector<std::string>& sort_columns();

struct Ranked {
  std::size_t total = 0;  // that match
  std::vector<const RunRow*> rows;
};
// REQUIRES: the listing outlives the result. Rows that are alike in the column come most urgent
// first.
Ranked rank(const Listing& listing, const Ranking& by);

}  // namespace heartbeat::hbgate
