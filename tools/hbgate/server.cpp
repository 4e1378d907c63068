#include "server.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <cstdio>
#include <limits>
#include <memory>
#include <stdexcept>
#include <utility>

#include "alert_stream.hpp"
#include "counted.hpp"
#include "store/state_file.hpp"

namespace heartbeat::hbgate {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

namespace {

using boost::system::error_code;

// For a whole header (and before it, for a next request at all), for a body, and for a peer to
// take what is sent.
constexpr std::chrono::seconds patience{30};
// For what is passed over of a body that is cut, and of one that came with a refused request.
constexpr std::chrono::seconds passed_over_for{5};
constexpr std::chrono::seconds drained_for{1};
constexpr std::chrono::milliseconds accept_again_after{100};

constexpr const char* content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

// One person's addresses in IPv6 are a whole /64.
std::string address_of(const tcp::socket& socket) {
  error_code error;
  const auto address = socket.remote_endpoint(error).address();
  if (!address.is_v6()) {
    return address.to_string();
  }
  if (address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + bytes.size() / 2, bytes.end(), std::uint8_t{0});
  return asio::ip::address_v6(bytes).to_string();
}

// What reading a request failed with, if whoever sent it can be told.
std::optional<Response> refusal_of(const error_code& error) {
  if (error == http::error::header_limit) {
    return refuse(431, "header_too_large",
                  "the header is over " + std::to_string(Server::header_bytes_max) + " bytes");
  }
  if (error == http::error::body_limit) {
    return refuse(413, "body_too_large", "the body is larger than is taken here");
  }
  const bool is_about_http =
      error.category() == http::make_error_code(http::error::bad_target).category();
  if (!is_about_http || error == http::error::end_of_stream ||
      error == http::error::partial_message) {
    return std::nullopt;
  }
  return refuse(400, "malformed", "this is no HTTP: " + error.message());
}

// Whether it is certain where the body ends (RFC 9112, 6.1 and 6.3: the rest would be the next
// request), and what it says: nothing here can decompress.
template <class Header>
bool is_framed(const Header& header) {
  const std::size_t codings = header.count(http::field::transfer_encoding);
  return codings == 0 || (codings == 1 && header.version() >= 11 &&
                          beast::iequals(header[http::field::transfer_encoding], "chunked"));
}

template <class Header>
Request request_of(const Header& header) {
  if (header.version() >= 11 && header.count(http::field::host) != 1) {  // RFC 9112, 3.2
    throw Refusal(refuse(400, "malformed", "HTTP/1.1 needs one Host header"));
  }
  auto target = parse_target(view(header.target()));
  if (!target) {
    throw Refusal(refuse(400, "bad_argument",
                         "the path: expected one that begins with / and whose % are each followed "
                         "by two hexadecimal digits"));
  }
  Request request;
  request.method = view(header.method_string());
  request.target = *std::move(target);
  request.content_type = view(header[http::field::content_type]);
  request.last_event_id = view(header["Last-Event-ID"]);
  request.if_none_match = view(header[http::field::if_none_match]);
  return request;
}

template <class Message>
void add_headers(Message& message, const std::vector<std::pair<std::string, std::string>>& own) {
  message.set(http::field::cache_control, "no-store");
  message.set("Content-Security-Policy", content_security_policy);
  message.set("X-Content-Type-Options", "nosniff");
  message.set("Referrer-Policy", "no-referrer");
  for (const auto& [name, value] : own) {
    message.set(name, value);
  }
}

tcp::endpoint resolve(asio::io_context& loop, const ListenAddress& address) {
  tcp::resolver resolver(loop);
  return *resolver.resolve(address.host, address.port, tcp::resolver::passive).begin();
}

// So much of something that is bounded, for as long as this lives.
class Taken {
 public:
  Taken(std::size_t& of, std::size_t amount) : of_(of), amount_(amount) { of_ += amount_; }
  ~Taken() { of_ -= amount_; }
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;

 private:
  std::size_t& of_;
  const std::size_t amount_;
};

}  // namespace

Server::Server(asio::io_context& loop, const ListenAddress& address, const Served& served)
    : loop_(loop), acceptor_(loop), served_(served) {
  try {
    const tcp::endpoint endpoint = resolve(loop, address);
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen();
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error("--listen " + address.host + ":" + address.port + ": " +
                             error.code().message());
  }
}

void Server::start() { asio::co_spawn(loop_, accept(), asio::detached); }

void Server::stop() {
  stopping_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  for (Stream* stream : open_) {
    stream->close();
  }
  served_.news.ring();
  served_.pulse.hurry();
}

std::string Server::url() const {
  const auto endpoint = acceptor_.local_endpoint();
  const std::string address = endpoint.address().to_string();
  return "http://" + (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" +
         std::to_string(endpoint.port()) + "/";
}

asio::awaitable<void> Server::accept() {
  while (!stopping_) {
    error_code error;
    tcp::socket socket = co_await acceptor_.async_accept(into(error));
    if (stopping_) {
      co_return;
    }
    if (error) {  // descriptors are short, as a rule: some will be free again
      asio::steady_timer timer(loop_, accept_again_after);
      co_await timer.async_wait(into(error));
    } else if (served_.own.connections >= connections_max) {
      ++served_.own.turned_away;
    } else {
      asio::co_spawn(loop_, serve(std::move(socket)), asio::detached);
    }
  }
}

asio::awaitable<void> Server::serve(tcp::socket socket) {
  const Counted counted(served_.own.connections);
  const std::string address = address_of(socket);
  const auto of_address = connections_of_.try_emplace(address, 0).first;
  if (of_address->second == connections_of_one_max) {
    ++served_.own.turned_away;
    co_return;
  }
  ++of_address->second;
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  Stream stream(std::move(socket));
  const auto entry = open_.insert(&stream).first;
  beast::flat_buffer buffer;
  try {
    while (!stopping_ && co_await serve_one(stream, buffer, address)) {
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hbgate: a connection ended: %s\n", error.what());
  }
  open_.erase(entry);
  if (--of_address->second == 0) {
    connections_of_.erase(of_address);
  }
  stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<bool> Server::serve_one(Stream& stream, beast::flat_buffer& buffer,
                                        const std::string& address) {
  Parser parser;
  parser.header_limit(header_bytes_max);
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // which is the route's to say
  error_code error;
  stream.expires_after(patience);
  co_await http::async_read_header(stream, buffer, parser, into(error));
  std::optional<Response> refused;
  if (error && !(refused = refusal_of(error))) {
    co_return false;
  }
  const auto& header = parser.get();
  if (!refused && !is_framed(header)) {
    refused = refuse(400, "malformed", "Transfer-Encoding: expected chunked alone, of HTTP/1.1");
  }
  const Access::Credentials credentials{
      view(header[http::field::authorization]), view(header[http::field::host]),
      view(header["Sec-Fetch-Site"]), view(header[http::field::origin]),
      view(header[http::field::referer])};
  Response response;
  try {
    if (refused) {
      throw Refusal(*refused);
    }
    check_rate(address);
    Request request = request_of(header);
    const Api::Route& route = Api::route(request.method, request.target);
    if (auto refusal = served_.access.refusal(route.right, credentials)) {
      throw Refusal(*std::move(refusal));
    }
    if (!parser.is_done() && !co_await read_body(stream, buffer, parser, route.body)) {
      co_return false;
    }
    request.body = std::move(parser.get().body().kept);
    if (route.answer == nullptr && request.method != "HEAD") {
      co_await send_events(stream, request, credentials);
      co_return false;
    }
    response = co_await answer(route, request);
  } catch (const Refusal& refusal) {
    response = refusal.response();
  }
  http::response<http::string_body> message{static_cast<http::status>(response.status),
                                            header.version()};
  message.set(http::field::content_type, response.content_type);
  add_headers(message, response.headers);
  // What is left of a request that was refused would be taken for the next one.
  message.keep_alive(header.keep_alive() && parser.is_done() && !refused && !stopping_);
  message.body() = std::move(response.body);
  if (message.result() != http::status::not_modified) {  // whose length would be that of what it is
    message.prepare_payload();
  }
  ++served_.own.responses[response.status];
  stream.expires_after(patience);
  http::response_serializer<http::string_body> serializer{message};
  if (header.method() == http::verb::head) {
    serializer.split(true);
    co_await http::async_write_header(stream, serializer, into(error));
  } else {
    co_await http::async_write(stream, serializer, into(error));
  }
  if (!error && !parser.is_done()) {
    co_await drain(stream, buffer);
  }
  co_return !error && message.keep_alive();
}

void Server::check_rate(const std::string& address) {
  if (rate_limit_.allow(address, std::chrono::steady_clock::now())) {
    return;
  }
  ++served_.own.turned_away;
  Response response =
      refuse(429, "rate_limited",
             "more than " + std::to_string(static_cast<int>(RateLimit::per_second)) +
                 " requests a second from one address");
  response.headers.emplace_back("Retry-After", "1");
  throw Refusal(std::move(response));
}

asio::awaitable<bool> Server::read_body(Stream& stream, beast::flat_buffer& buffer, Parser& parser,
                                        const Api::BodyRule& rule) {
  const auto length = parser.content_length();  // none where it comes in chunks
  const std::uint64_t expected = length ? *length : rule.bytes_max;
  if (!rule.cut && expected > rule.bytes_max) {
    throw Refusal(refuse(413, "body_too_large",
                         "the body is over " + std::to_string(rule.bytes_max) + " bytes"));
  }
  const std::size_t kept_max = std::min<std::uint64_t>(expected, rule.bytes_max);
  const bool small = kept_max <= body_bytes_small;
  if (!small && bodies_bytes_ + kept_max > bodies_bytes_max) {
    ++served_.own.turned_away;
    throw Refusal(refuse(503, "busy", "too many large bodies are on their way: try again"));
  }
  const Taken taken(bodies_bytes_, small ? 0 : kept_max);
  auto& body = parser.get().body();
  body.kept_max = kept_max;
  if (!rule.cut) {
    parser.body_limit(rule.bytes_max);
  }
  parser.eager(true);
  error_code error;
  stream.expires_after(patience);
  if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    http::response<http::empty_body> go_on{http::status::continue_, parser.get().version()};
    co_await http::async_write(stream, go_on, into(error));
  }
  const auto until = std::chrono::steady_clock::now() + passed_over_for;
  const auto enough = [&] {
    return rule.cut &&
           (body.bytes >= passed_over_bytes_max || std::chrono::steady_clock::now() >= until);
  };
  while (!error && !parser.is_done() && !enough()) {
    co_await http::async_read_some(stream, buffer, parser, into(error));
  }
  if (!error) {
    co_return true;
  }
  if (auto refusal = refusal_of(error)) {
    throw Refusal(*std::move(refusal));
  }
  co_return false;
}

asio::awaitable<void> Server::drain(Stream& stream, beast::flat_buffer& buffer) {
  error_code error;
  stream.socket().shutdown(tcp::socket::shutdown_send, error);
  stream.expires_after(drained_for);
  constexpr std::size_t at_once = 64 * 1024;
  for (std::uint64_t bytes = 0; !error && bytes < drained_bytes_max;) {
    buffer.clear();
    bytes += co_await stream.async_read_some(buffer.prepare(at_once), into(error));
  }
}

asio::awaitable<Response> Server::answer(const Api::Route& route, const Request& request) {
  if (route.answer == nullptr) {  // HEAD of a stream
    Response response;
    response.content_type = "text/event-stream";
    co_return response;
  }
  try {
    co_return co_await served_.api.answer(route, request);
  } catch (const store::Unusable& error) {
    co_return refuse(503, "state_file_unusable", std::string("--state ") + error.what());
  } catch (const Refusal&) {
    throw;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hbgate: %s\n", error.what());
    co_return refuse(500, "internal", error.what());
  }
}

asio::awaitable<void> Server::send_events(Stream& stream, const Request& request,
                                          const Access::Credentials& credentials) {
  std::optional<Place> after;
  if (!request.last_event_id.empty() && !(after = parse_place(request.last_event_id))) {
    throw Refusal(refuse(400, "bad_argument",
                         "Last-Event-ID: expected the id of an event that was sent, EPOCH/SEQ"));
  }
  Parameters(request.target).done();
  if (served_.own.streams >= streams_max) {
    ++served_.own.turned_away;
    throw Refusal(refuse(503, "busy", "too many streams are open"));
  }
  const Counted counted(served_.own.streams);
  ++served_.own.responses[200];
  AlertStream events(served_.alerts, served_.pulse, served_.kept, std::move(after));
  asio::co_spawn(loop_, served_.pulse.run([this] { return !stopping_ && served_.own.streams > 0; }),
                 asio::detached);
  // Its end is the connection's, so it needs neither length nor chunks.
  http::response<http::empty_body> head{http::status::ok, 11};
  head.set(http::field::content_type, "text/event-stream");
  head.set(http::field::connection, "close");
  add_headers(head, {{"X-Accel-Buffering", "no"}});
  http::response_serializer<http::empty_body> serializer{head};
  error_code error;
  stream.expires_after(patience);
  co_await http::async_write_header(stream, serializer, into(error));
  while (!error && !stopping_) {
    const std::string text = co_await events.next();
    if (stopping_) {
      break;  // it rang while next() asked the monitor, and rings no more
    }
    if (served_.access.refusal(Right::read, credentials)) {
      break;  // the tokens were read again, and this one is no longer among them
    }
    if (text.empty()) {
      co_await served_.news.wait();
    } else {
      stream.expires_after(patience);
      co_await asio::async_write(stream, asio::buffer(text), into(error));
    }
  }
}

}  // namespace heartbeat::hbgate
