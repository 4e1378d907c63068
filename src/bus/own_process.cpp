#include "bus/own_process.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <fstream>

namespace heartbeat::bus {
namespace {

std::uint64_t resident_bytes() {
  std::uint64_t all_pages = 0;
  std::uint64_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> all_pages >> resident_pages;
  return resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t open_fds() {
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) {
    return 0;
  }
  std::uint64_t entries = 0;
  while (readdir(folder) != nullptr) {
    ++entries;
  }
  closedir(folder);
  constexpr std::uint64_t not_ours = 3;  // ., .. and the folder itself
  return entries - not_ours;
}

Duration cpu_time() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::duration_cast<Duration>(std::chrono::seconds{time.tv_sec} +
                                              std::chrono::nanoseconds{time.tv_nsec});
}

}  // namespace

OwnProcess own_process() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return {cpu_time(), resident_bytes(), open_fds(), limit.rlim_cur};
}

}  // namespace heartbeat::bus
