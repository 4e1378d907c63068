// From the file's tables to what a monitor goes on with.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "store/sqlite.hpp"
#include "store/storage.hpp"

namespace heartbeat::store {

// nullopt: nothing has been written yet. Instants are this boot's. Throws SqlError and Corrupt.
std::optional<State> read_state(Connection& connection, const Clocks& clocks,
                                std::size_t alerts_kept, const std::string& boot);

}  // namespace heartbeat::store
