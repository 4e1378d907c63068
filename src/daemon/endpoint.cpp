#include "daemon/endpoint.hpp"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/number.hpp"

namespace heartbeat::daemon {
namespace {

// Host and port of a TCP endpoint; nullopt = it is none.
std::optional<std::pair<std::string, std::string>> tcp_parts(const std::string& endpoint) {
  const std::size_t colon = endpoint.rfind(':');
  if (!endpoint.starts_with("tcp://") || colon < 6) {
    return std::nullopt;
  }
  return std::pair(endpoint.substr(6, colon - 6), endpoint.substr(colon + 1));
}

}  // namespace

bool is_endpoint(const std::string& text) {
  const bool printable = std::none_of(text.begin(), text.end(),
                                      [](char c) { return c >= 0 && (c <= ' ' || c == 127); });
  if (!printable) {
    return false;
  }
  if (text.starts_with("ipc://")) {
    return text.size() > 6 && text.size() - 6 < sizeof(sockaddr_un::sun_path);
  }
  const auto parts = tcp_parts(text);
  if (!parts || parts->first.empty()) {
    return false;
  }
  const auto port = parse_number(parts->second);
  return parts->second == "*" || (port && *port <= 65'535);
}

bool leaves_this_machine(const std::string& endpoint) {
  const auto parts = tcp_parts(endpoint);
  if (!parts) {
    return false;
  }
  const std::string& host = parts->first;
  in_addr address{};
  const bool loopback_v4 =
      inet_pton(AF_INET, host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
  return !loopback_v4 && host != "[::1]" && host != "localhost" && host != "lo";
}

}  // namespace heartbeat::daemon
