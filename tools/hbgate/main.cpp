#include <cstdio>
#include <exception>
#include <optional>
#include <variant>

#include "bus/descriptors.hpp"
#include "bus/signals.hpp"
#include "gateway.hpp"
#include "options.hpp"

int main(int argc, char** argv) {
  using namespace heartbeat;
  bus::hold_standard_descriptors();
  const auto parsed = hbgate::parse_command_line(argc, argv);
  if (const int* code = std::get_if<int>(&parsed)) {
    return *code;
  }
  bus::raise_descriptor_limit();
  const bus::Signals signals;  // before any thread, which would take them instead
  std::optional<hbgate::Gateway> gateway;
  try {
    gateway.emplace(std::get<hbgate::Options>(parsed), signals);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hbgate: %s\n", error.what());
    return hbgate::exit_usage;
  }
  std::printf("hbgate: listening on %s\n", gateway->url().c_str());
  std::fflush(stdout);
  try {
    gateway->run();
    return hbgate::exit_ok;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hbgate: %s\n", error.what());
    return hbgate::exit_failed;
  }
}
