#include "telling/moment.hpp"

#include <chrono>
#include <ctime>

namespace heartbeat::telling {

std::string format_time(WallTime time) {
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm local{};
  char text[64];
  if (localtime_r(&seconds, &local) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local) == 0) {
    return "(no date)";
  }
  return text;
}

}  // namespace heartbeat::telling
