// Text by the columns that it takes on a terminal, which are neither its bytes nor its characters:
// 漢 takes two, a combining accent none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heartbeat::hbctl::watch {

// Counts columns as the terminal library does. REQUIRES: of all functions here, that this was
// called once before any thread was made; else whatever is not ASCII is shown as `?`.
void use_unicode();

// `text` without anything that a terminal would obey: control characters are spaces, what has no
// width of its own or turns the direction of writing is `?`.
std::string harmless(std::string_view text);

// Columns that harmless text takes.
std::size_t columns_of(std::string_view harmless_text);

// Cut to `columns`, with … as the last one where something is missing.
std::string cut(std::string_view harmless_text, std::size_t columns);

// Cut, or filled up with spaces, to exactly `columns`.
std::string padded(std::string_view harmless_text, std::size_t columns);

// Broken into lines of at most `columns`, at spaces where there are some.
std::vector<std::string> wrapped(std::string_view harmless_text, std::size_t columns);

// 50,000
std::string grouped(std::uint64_t number);

}  // namespace heartbeat::hbctl::watch
