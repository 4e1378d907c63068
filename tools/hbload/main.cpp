#include <exception>

#include "bus/descriptors.hpp"
#include "command_line.hpp"
#include "options.hpp"
#include "output.hpp"

int main(int argc, char** argv) {
  try {
    heartbeat::bus::hold_standard_descriptors();
    heartbeat::bus::raise_descriptor_limit();
    return heartbeat::hbload::parse_command_line(argc, argv)();
  } catch (const std::exception& error) {
    heartbeat::hbload::complain(error.what());
    return heartbeat::hbload::exit_no;
  }
}
