// hbmond: exit code 0 after SIGTERM or SIGINT, 1 if it failed while it ran, 2 if it did not start.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

#include "bus/descriptors.hpp"
#include "bus/signals.hpp"
#include "daemon/log.hpp"
#include "daemon/monitor.hpp"
#include "daemon/options.hpp"
#include "store/state_file.hpp"

namespace {

using namespace heartbeat;

constexpr int failed = 1;
constexpr int not_started = 2;
constexpr Duration log_closing_max{500};  // a log that nobody reads must not keep it from ending

daemon::Environment environment() {
  daemon::Environment variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const std::size_t equals = text.find('=');
    if (text.starts_with("HB_") && equals != std::string_view::npos) {
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return variables;
}

int refuse(const std::string& why) {
  std::cerr << "hbmond: " << why << "\n";
  return not_started;
}

int start(int argc, const char* const* argv) {
  const bus::Signals signals;
  const daemon::Reread read = [=] { return daemon::read_options(argc, argv, environment()); };
  auto options = read();
  if (const auto* bad = std::get_if<daemon::BadOption>(&options)) {
    return refuse(bad->message);
  }
  const auto& invocation = std::get<daemon::Invocation>(options);
  if (invocation.print) {
    std::cout << *invocation.print << std::flush;
    return EXIT_SUCCESS;
  }
  bus::raise_descriptor_limit();
  const auto logger = daemon::make_logger(invocation.options);
  daemon::Monitor monitor(invocation.options, read, signals, logger);
  for (const std::string& warning : invocation.warnings) {
    logger->warn("{}", warning);
  }
  try {
    monitor.run();
  } catch (const std::exception& error) {
    logger->critical("HeartbeatMonitor: failed: {}", error.what());
    return failed;
  }
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace heartbeat;
  try {
    bus::hold_standard_descriptors();
    const int code = start(argc, argv);
    if (!daemon::close_log(log_closing_max)) {
      std::_Exit(code);
    }
    return code;
  } catch (const store::Unusable& error) {
    return refuse(std::string("--state: ") + error.what());
  } catch (const std::exception& error) {
    return refuse(error.what());
  }
}
