#include "daemon/loopback.hpp"

#include "support/catch.hpp"

namespace heartbeat::daemon {

TEST_CASE("only loopback addresses and ipc are local") {
  for (const char* endpoint : {"tcp://127.0.0.1:5570", "tcp://127.8.9.1:*", "tcp://localhost:1",
                               "tcp://[::1]:1", "tcp://lo:1", "ipc:///run/x", "ipc://@x"}) {
    INFO(endpoint);
    CHECK(is_local(endpoint));
  }
  for (const char* endpoint : {"tcp://*:5570", "tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://eth0:1",
                               "tcp://10.0.0.1:1", "tcp://127.0.0.1.example.org:1", "tcp://"}) {
    INFO(endpoint);
    CHECK_FALSE(is_local(endpoint));
  }
}

}  // namespace heartbeat::daemon
