#include <exception>

#include "caller.hpp"
#include "command_line.hpp"
#include "options.hpp"
#include "output.hpp"

int main(int argc, char** argv) {
  try {
    const heartbeat::hbctl::Caller caller = heartbeat::hbctl::take_over();
    return heartbeat::hbctl::parse_command_line(argc, argv, caller)();
  } catch (const std::exception& error) {
    heartbeat::hbctl::complain(error.what());
    return heartbeat::hbctl::exit_no;
  }
}
