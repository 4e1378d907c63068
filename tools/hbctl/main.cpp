#include <csignal>
#include <exception>

#include "bus/descriptors.hpp"
#include "command_line.hpp"
#include "options.hpp"
#include "output.hpp"

int main(int argc, char** argv) {
  // A closed pipe is then an error of write(), which ends the program quietly with code 0.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    heartbeat::bus::hold_standard_descriptors();
    return heartbeat::hbctl::parse_command_line(argc, argv)();
  } catch (const std::exception& error) {
    heartbeat::hbctl::complain(error.what());
    return heartbeat::hbctl::exit_no;
  }
}
