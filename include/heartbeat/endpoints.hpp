// Where the monitor listens unless it is told otherwise, and the form of such addresses.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace heartbeat {

struct Endpoints {
  std::string events = "tcp://127.0.0.1:5570";
  std::string alerts = "tcp://127.0.0.1:5571";
  std::string status = "tcp://127.0.0.1:5572";
};

// What is_endpoint() asks for, in words.
inline constexpr const char* endpoint_form =
    "tcp://HOST:PORT (PORT 0 to 65535 or *) or ipc://PATH (at most 107 bytes)";

struct TcpAddress {
  std::string_view host;  // a name, an IPv4 address, an IPv6 address in brackets, *
  std::string_view port;
};

// nullopt = not of the form tcp://HOST:PORT. Views into `endpoint`.
inline std::optional<TcpAddress> tcp_address(std::string_view endpoint) {
  constexpr std::string_view tcp = "tcp://";
  const std::size_t colon = endpoint.rfind(':');
  if (!endpoint.starts_with(tcp) || colon <= tcp.size()) {
    return std::nullopt;
  }
  return TcpAddress{endpoint.substr(tcp.size(), colon - tcp.size()), endpoint.substr(colon + 1)};
}

// By form only: whether the host exists and the port is free shows when it is used.
inline bool is_endpoint(std::string_view text) {
  constexpr std::string_view ipc = "ipc://";
  constexpr std::size_t path_max = 107;  // of sockaddr_un, with its final zero
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return c >= 0 && (c <= ' ' || c == 127); })) {
    return false;
  }
  if (text.starts_with(ipc)) {
    return text.size() > ipc.size() && text.size() - ipc.size() <= path_max;
  }
  const auto address = tcp_address(text);
  if (!address) {
    return false;
  }
  const std::string_view port = address->port;
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return port == "*" || (error == std::errc{} && end == port.data() + port.size());
}

}  // namespace heartbeat
