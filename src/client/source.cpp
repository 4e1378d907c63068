#include "client/source.hpp"

#include <cstdio>
#include <random>

namespace heartbeat::client {

std::string random_source() {
  std::random_device random;
  char text[17];
  std::snprintf(text, sizeof text, "%08x%08x", random(), random());
  return text;
}

}  // namespace heartbeat::client
