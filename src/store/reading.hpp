// From the file's tables to what a monitor goes on with.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "store/sqlite.hpp"
#include "store/storage.hpp"

namespace heartbeat::store {

// How the file's time is to be had from a boot's clock.
struct FileClock {
  std::string boot;
  Duration ahead{};  // the file's time, of that clock; may be negative
  Instant opened;    // by that clock
};

// For whoever opens the file at `clocks`, of this boot. Throws SqlError and Corrupt, as below.
FileClock file_clock(Connection& connection, const Clocks& clocks, const std::string& boot);

// nullopt: nothing has been written yet. Instants are this boot's.
std::optional<State> read_state(Connection& connection, const Clocks& clocks,
                                std::size_t alerts_kept, const std::string& boot);

}  // namespace heartbeat::store
