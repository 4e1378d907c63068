// The HTTP side: connections, limits, who may do what; what a path answers is the Api's.
//
// One thread serves all of them, each as a coroutine of its own: a silent or slow peer costs a
// descriptor and some kilobytes, and keeps nobody waiting.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "access.hpp"
#include "alert_ring.hpp"
#include "api.hpp"
#include "bell.hpp"
#include "cut_body.hpp"
#include "kept_alerts.hpp"
#include "metrics.hpp"
#include "pulse.hpp"
#include "rate_limit.hpp"

namespace heartbeat::hbgate {

// What a server is made of beside its sockets; all of it outlives the server.
struct Served {
  Api& api;
  Access& access;
  KeptAlerts& kept;
  const AlertRing& alerts;
  Bell& news;
  Pulse& pulse;
  OwnCounters& own;
};

struct ListenAddress {
  std::string host;  // a name or an address, without brackets
  std::string port;  // 0 = whichever is free
};

class Server {
 public:
  // Listens. Throws std::runtime_error with the address where that cannot be.
  Server(boost::asio::io_context& loop, const ListenAddress& address, const Served& served);

  // Begins to serve; the loop does the rest.
  void start();
  // Ends every connection; the loop then runs out of work.
  void stop();
  // As a browser takes it, with the port that the system chose.
  std::string url() const;
  bool on_loopback() const { return acceptor_.local_endpoint().address().is_loopback(); }

  static constexpr std::size_t connections_max = 4'096;
  static constexpr std::size_t streams_max = 2'000;
  static constexpr std::size_t header_bytes_max = 16 * 1024;
  // Half of the connections at most are one address's.
  static constexpr std::size_t connections_of_one_max = connections_max / 2;
  // Of all bodies that are being read, but for small ones: who sends a large one slowly keeps no
  // ping from being heard.
  static constexpr std::size_t bodies_bytes_max = 64 * 1024 * 1024;
  static constexpr std::size_t body_bytes_small = 16 * 1024;
  // Of a body that is cut, and after an answer that came early.
  static constexpr std::uint64_t passed_over_bytes_max = 64 * 1024 * 1024;
  static constexpr std::uint64_t drained_bytes_max = 16 * 1024 * 1024;

 private:
  using Stream = boost::beast::tcp_stream;
  using Parser = boost::beast::http::request_parser<CutBody>;
  template <class Result>
  using Awaitable = boost::asio::awaitable<Result>;

  Awaitable<void> accept();
  Awaitable<void> serve(boost::asio::ip::tcp::socket socket);
  // Whether the connection may be used for another request.
  Awaitable<bool> serve_one(Stream& stream, boost::beast::flat_buffer& buffer,
                            const std::string& address);
  void check_rate(const std::string& address);
  // False: there is nobody to answer any more. Throws Refusal.
  Awaitable<bool> read_body(Stream& stream, boost::beast::flat_buffer& buffer, Parser& parser,
                            const Api::BodyRule& rule);
  // Passes over what a peer still sends of a request that was answered early. To close at once
  // would reset the connection, and many a peer that is sending would then not see the answer.
  Awaitable<void> drain(Stream& stream, boost::beast::flat_buffer& buffer);
  Awaitable<Response> answer(const Api::Route& route, const Request& request);
  Awaitable<void> send_events(Stream& stream, const Request& request,
                              const Access::Credentials& credentials);

  boost::asio::io_context& loop_;
  boost::asio::ip::tcp::acceptor acceptor_;
  Served served_;
  RateLimit rate_limit_;
  std::set<Stream*> open_;
  std::map<std::string, std::size_t> connections_of_;  // by address
  std::size_t bodies_bytes_ = 0;
  bool stopping_ = false;
};

}  // namespace heartbeat::hbgate
