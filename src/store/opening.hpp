// From a path to a connection to a state file that this program understands.
#pragma once

#include <string>

#include "store/columns.hpp"
#include "store/sqlite.hpp"
#include "store/state_file.hpp"

namespace heartbeat::store {

// What a link names, at whose place the lock and the log are: SQLite takes them there, and another
// monitor may name the file by another link. The file need not be there yet.
std::string behind_links(std::string path);

// A plain file, or none yet, in a folder that is there. Throws Unusable, as all below.
void check_place(const std::string& path);

// Creates the file and its tables where there are none. REQUIRES: the lock beside it is held.
Connection open_for_writing(const std::string& path);
// Another to the same file, which the first has found usable. Throws SqlError.
Connection open_beside(const std::string& path);
Connection open_for_reading(const std::string& path);
// In an empty database.
void create_tables(Connection& connection);

// In words for the operator: what is wrong with the file, and what would be right. Who only reads
// is not told to move it away: a monitor may have it open.
std::string unusable(const std::string& path, const SqlError& error, Connection::Access access);
std::string unusable(const std::string& path, const Corrupt& error, Connection::Access access);

// What `use` returns; its errors become Unusable.
template <class Use>
auto in_words(const std::string& path, Connection::Access access, Use use) {
  try {
    return use();
  } catch (const SqlError& error) {
    throw Unusable(unusable(path, error, access));
  } catch (const Corrupt& error) {
    throw Unusable(unusable(path, error, access));
  }
}

}  // namespace heartbeat::store
