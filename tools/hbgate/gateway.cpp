#include "gateway.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace heartbeat::hbgate {

namespace {

ListenAddress listen_address(const std::string& listen) {
  const std::string endpoint = "tcp://" + listen;
  const auto address = tcp_address(endpoint);
  if (!address || !is_endpoint(endpoint) || address->port == "*") {
    throw std::runtime_error("--listen '" + listen +
                             "' is not HOST:PORT, such as 127.0.0.1:5580 or [::1]:5580");
  }
  std::string_view host = address->host;
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  return {std::string(host), std::string(address->port)};
}

Access access_of(const Options& options) {
  if (options.token_file) {
    return Access::from_file(*options.token_file);
  }
  const bool loopback = is_loopback(options.listen);
  if (!loopback && !options.insecure) {
    throw std::runtime_error("--listen " + options.listen +
                             ": beyond this machine it needs --token-file FILE, or --insecure to "
                             "let everybody in");
  }
  return Access(!loopback);
}

}  // namespace

Stop::Stop() : fd_(eventfd(0, EFD_CLOEXEC)) {
  if (fd_ < 0) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
}

Stop::~Stop() { close(fd_); }

void Stop::now() { eventfd_write(fd_, 1); }

Gateway::Gateway(const Options& options, const bus::Signals& signals)
    : options_(options),
      signals_(signals),
      signal_(loop_, dup(signals.fd())),  // it closes what it is given
      monitor_(options.endpoints.status, options.timeout, stop_.fd()),
      lister_(options.endpoints.status, options.timeout, stop_.fd()),
      desk_(options.endpoints, options.timeout, stop_.fd()),
      pulse_(loop_, monitor_, news_),
      api_(monitor_, lister_, desk_, alerts_, own_, options.state),
      access_(access_of(options)),
      server_(loop_, listen_address(options.listen),
              {api_, access_, monitor_, alerts_, news_, pulse_, own_}),
      follower_(options.endpoints, options.timeout, stop_.fd(),
                [this](AlertFollower::Portion portion) {
                  boost::asio::post(loop_, [this, portion = std::move(portion)]() mutable {
                    take_alerts(std::move(portion));
                  });
                }) {}

Gateway::~Gateway() { stop_.now(); }

void Gateway::run() {
  boost::asio::co_spawn(loop_, take_signals(), boost::asio::detached);
  server_.start();
  loop_.run();
}

boost::asio::awaitable<void> Gateway::take_signals() {
  while (true) {
    co_await signal_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                boost::asio::use_awaitable);
    while (const auto signal = signals_.take()) {
      if (*signal != SIGHUP) {
        // Whatever waits for an answer stops waiting, every connection ends, and then there is
        // nothing left for the loop to do.
        stop_.now();
        server_.stop();
        co_return;
      }
      read_tokens_again();
    }
  }
}

void Gateway::take_alerts(AlertFollower::Portion portion) {
  if (portion.news_after) {
    alerts_.set_news_after(*std::move(portion.news_after));
  }
  for (AlertRing::Entry& entry : portion.entries) {
    alerts_.add(std::move(entry));
  }
  monitor_.heard();
  news_.ring();
  follower_.taken();
}

void Gateway::read_tokens_again() {
  if (!options_.token_file) {
    return;
  }
  try {
    access_ = Access::from_file(*options_.token_file);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hbgate: %s; the tokens from before stay in force\n", error.what());
  }
}

}  // namespace heartbeat::hbgate
