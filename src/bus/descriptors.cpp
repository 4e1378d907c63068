#include "bus/descriptors.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace heartbeat::bus {

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    throw std::system_error(errno, std::generic_category(), "getrlimit");
  }
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

void hold_standard_descriptors() {
  int opened = 0;
  do {
    opened = open("/dev/null", O_RDWR);
    if (opened < 0) {
      throw std::system_error(errno, std::generic_category(), "/dev/null");
    }
  } while (opened <= STDERR_FILENO);
  close(opened);
}

}  // namespace heartbeat::bus
