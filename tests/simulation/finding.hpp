// What the monitor did wrong; ends the world in which it did.
#pragma once

#include <stdexcept>
#include <string>

namespace heartbeat::simulation {

class Finding : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline void require(bool holds, const std::string& otherwise) {
  if (!holds) {
    throw Finding(otherwise);
  }
}

}  // namespace heartbeat::simulation
