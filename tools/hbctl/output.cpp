#include "output.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "client/printable.hpp"
#include "telling/json.hpp"
#include "telling/why.hpp"

namespace heartbeat::hbctl {

namespace {

std::string_view escape_of(Colour colour) {
  switch (colour) {
    case Colour::none:
      return "";
    case Colour::red:
      return "\x1b[31m";
    case Colour::yellow:
      return "\x1b[33m";
    case Colour::green:
      return "\x1b[32m";
  }
  return "";
}

}  // namespace

void print(std::string_view line) {
  std::string bytes(line);
  bytes += '\n';
  std::string_view left = bytes;
  while (!left.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, left.data(), left.size());
    if (written >= 0) {
      left.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      std::_Exit(exit_ok);
    } else if (errno == EAGAIN) {  // a pipe that some other program made non-blocking
      pollfd room{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&room, 1, -1);
    } else if (errno != EINTR) {
      complain(std::string("cannot write: ") + std::strerror(errno));
      std::_Exit(exit_no);
    }
  }
}

void complain(std::string_view line) { std::fprintf(stderr, "hbctl: %s\n", shown(line).c_str()); }

std::string shown(std::string_view text) { return client::printable(text); }

bool colour_allowed() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0') &&
         (term == nullptr || std::strcmp(term, "dumb") != 0);
}

std::string coloured(std::string_view text, Colour colour) {
  if (colour == Colour::none || !colour_allowed()) {
    return std::string(text);
  }
  return std::string(escape_of(colour)) + std::string(text) + "\x1b[0m";
}

Colour colour_of(std::string_view severity) {
  if (severity == "error") {
    return Colour::red;
  }
  return severity == "warning" ? Colour::yellow : Colour::green;
}

void print_json(const Json& json) {
  print(json.dump(-1, ' ', isatty(STDOUT_FILENO) != 0, Json::error_handler_t::replace));
}

std::string text_of(const Error& error) {
  const std::string text = error.message.empty() ? error.code : error.message;
  // The monitor says the end too, in UTC, for programs.
  return error.ended_by ? text.substr(0, text.rfind(": ended at ")) + ": " + end_of(error) : text;
}

int fail(const Options& options, const Error& error) {
  if (options.json) {
    print_json({{"success", false}, {"error", to_json(error)}});
  } else {
    complain(text_of(error));
  }
  return error.code == "bad_argument" ? exit_usage : exit_no;
}

int fail(const Options& options, const Unreachable& unreachable) {
  if (options.json) {
    print_json({{"success", false},
                {"status", "offline"},
                {"error", {{"code", "unreachable"}, {"message", unreachable.why}}}});
  } else {
    complain("the monitor does not answer: " + unreachable.why);
  }
  return exit_silent;
}

}  // namespace heartbeat::hbctl
