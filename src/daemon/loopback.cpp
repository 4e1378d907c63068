#include "daemon/loopback.hpp"

#include <arpa/inet.h>

#include <cstdint>
#include <string_view>

namespace heartbeat::daemon {

bool is_local(const std::string& endpoint) {
  constexpr std::string_view tcp = "tcp://";
  if (!endpoint.starts_with(tcp)) {
    return endpoint.starts_with("ipc://");
  }
  const std::size_t colon = endpoint.rfind(':');
  std::string host = endpoint.substr(tcp.size(), colon - tcp.size());
  if (colon < tcp.size()) {
    return false;
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (host == "localhost" || host == "lo") {
    return true;
  }
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    constexpr std::uint32_t loopback_net = 127;
    return ntohl(v4.s_addr) >> 24U == loopback_net;
  }
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace heartbeat::daemon
