// Where the monitor listens unless it is told otherwise.
#pragma once

#include <string>

namespace heartbeat {

struct Endpoints {
  std::string events = "tcp://127.0.0.1:5570";
  std::string alerts = "tcp://127.0.0.1:5571";
  std::string status = "tcp://127.0.0.1:5572";
};

}  // namespace heartbeat
