// Everything that leaves this program: lines for people and for programs, colours, failures.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "heartbeat/status_client.hpp"
#include "options.hpp"
#include "telling/json.hpp"
#include "telling/moment.hpp"

namespace heartbeat::hbctl {

using namespace telling;

// Writes and flushes. If the reader has closed the pipe, ends the program quietly: it has seen
// enough.
void print(std::string_view line);
// To standard error, with the program's name before it.
void complain(std::string_view line);

// On one line; on a terminal without a character that it would obey.
void print_json(const Json& json);

// Fit for a terminal: no control characters, valid UTF-8.
std::string shown(std::string_view text);

enum class Colour { none, red, yellow, green };
// A terminal, and no NO_COLOR.
bool colour_allowed();
// With colour only where that is allowed.
std::string coloured(std::string_view text, Colour colour);

Colour colour_of(std::string_view severity);

// Where an agent has more runs in flight than one reply lists.
inline constexpr const char* more_runs = "… and more runs: name one with --run";

// Why the answer is no.
std::string text_of(const Error& error);
// Prints why there is no reply, as --json asks, and returns the exit code.
int fail(const Options& options, const Error& error);
int fail(const Options& options, const Unreachable& unreachable);

template <class Reply>
int fail(const Options& options, const Answer<Reply>& answer) {
  if (const auto* error = std::get_if<Error>(&answer)) {
    return fail(options, *error);
  }
  return fail(options, std::get<Unreachable>(answer));
}

}  // namespace heartbeat::hbctl
