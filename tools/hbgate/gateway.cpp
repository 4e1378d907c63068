#include "gateway.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>

#include "access.hpp"
#include "alert_follower.hpp"
#include "alert_ring.hpp"
#include "api.hpp"
#include "bell.hpp"
#include "bus/event_descriptor.hpp"
#include "event_desk.hpp"
#include "kept_alerts.hpp"
#include "lister.hpp"
#include "metrics.hpp"
#include "monitor.hpp"
#include "pulse.hpp"
#include "server.hpp"
#include "store/state_file.hpp"

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
  if (!host.starts_with('[') && host.find(':') != std::string_view::npos) {
    throw std::runtime_error("--listen '" + listen +
                             "': an IPv6 address stands in brackets, as in [::1]:5580");
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  return {std::string(host), std::string(address->port)};
}

Access access_of(const Options& options) {
  listen_address(options.listen);  // what is no address at all is told so first
  if (options.token_file) {
    return Access::from_file(*options.token_file);
  }
  const bool loopback = is_loopback(options.listen);
  if (!loopback && !options.insecure) {
    throw std::runtime_error("--listen " + options.listen +
                             ": beyond this machine it needs --token-file FILE, or --insecure to "
                             "let everybody in");
  }
  return Access(!loopback || options.insecure);
}

// The file may come later, or be usable again: history is read anew each time.
void warn_of_unusable_history(const std::string& state) {
  try {
    store::HistoryQuery query;
    query.limit = 1;
    store::history(state, query);
  } catch (const store::Unusable& error) {
    std::fprintf(stderr, "hbgate: --state %s; until it can be read there is no history\n",
                 error.what());
  }
}

}  // namespace

class Gateway::Loop {
 public:
  Loop(const Options& options, const bus::Signals& signals);
  ~Loop() { stop_.set(); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  std::string url() const { return server_.url(); }
  void run();

 private:
  boost::asio::awaitable<void> take_signals();
  void take_alerts(AlertFollower::Portion portion);
  void end();
  void read_tokens_again();

  // In this order, because each uses those before it.
  const Options options_;
  const bus::Signals& signals_;
  const bus::EventDescriptor stop_;  // readable for all who wait, once it is over
  boost::asio::io_context loop_{1};
  boost::asio::posix::stream_descriptor signal_;
  OwnCounters own_;
  std::exception_ptr failure_;  // it ends because of it
  AlertRing alerts_;
  Bell news_;
  Monitor monitor_;
  Lister lister_;
  EventDesk desk_;
  Monitor kept_monitor_;
  KeptAlerts kept_;
  Monitor pulse_monitor_;
  Pulse pulse_;
  Api api_;
  Access access_;
  Server server_;
  AlertFollower follower_;
};

Gateway::Loop::Loop(const Options& options, const bus::Signals& signals)
    : options_(options),
      signals_(signals),
      signal_(loop_, dup(signals.fd())),  // it closes what it is given
      monitor_(options.endpoints.status, options.timeout, stop_.fd()),
      lister_(options.endpoints.status, options.timeout, stop_.fd()),
      desk_(options.endpoints, options.timeout, stop_.fd()),
      kept_monitor_(options.endpoints.status, options.timeout, stop_.fd()),
      kept_(kept_monitor_),
      pulse_monitor_(options.endpoints.status, std::min(options.timeout, Pulse::answer_max),
                     stop_.fd(), Duration{0}),
      pulse_(loop_, pulse_monitor_, news_, own_, options.state.has_value()),
      api_(monitor_, lister_, desk_, alerts_, own_, options.state),
      access_(access_of(options)),
      server_(loop_, listen_address(options.listen),
              {api_, access_, kept_, alerts_, news_, pulse_, own_}),
      follower_(options.endpoints, options.timeout, stop_.fd(),
                [this](AlertFollower::Portion portion) {
                  boost::asio::post(loop_, [this, portion = std::move(portion)]() mutable {
                    take_alerts(std::move(portion));
                  });
                }) {
  if (options.state) {
    warn_of_unusable_history(*options.state);
  }
  // A name is no more than a name.
  if (is_loopback(options.listen) && !server_.on_loopback()) {
    stop_.set();
    throw std::runtime_error("--listen " + options.listen + ": this leads beyond this machine");
  }
}

void Gateway::Loop::run() {
  boost::asio::co_spawn(loop_, take_signals(), boost::asio::detached);
  server_.start();
  loop_.run();
  if (failure_) {
    std::rethrow_exception(failure_);
  }
}

boost::asio::awaitable<void> Gateway::Loop::take_signals() {
  while (true) {
    boost::system::error_code ended;
    co_await signal_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                boost::asio::redirect_error(boost::asio::use_awaitable, ended));
    if (ended) {
      co_return;
    }
    while (const auto signal = signals_.take()) {
      if (*signal != SIGHUP) {
        end();
        co_return;
      }
      read_tokens_again();
    }
  }
}

// Whatever waits for an answer stops waiting, every connection ends, and then there is nothing left
// for the loop to do.
void Gateway::Loop::end() {
  stop_.set();
  signal_.cancel();
  server_.stop();
}

// A gateway that can follow no alerts would be taken for one to which nothing happens: it ends.
void Gateway::Loop::take_alerts(AlertFollower::Portion portion) {
  if (portion.failure) {
    failure_ = portion.failure;
    end();
    return;
  }
  own_.alerts_lost += portion.lost;
  if (portion.heard && *portion.heard != own_.alerts_heard) {
    own_.alerts_heard = *portion.heard;
    std::fprintf(stderr, "hbgate: --alerts %s %s\n", options_.endpoints.alerts.c_str(),
                 own_.alerts_heard ? "is heard again" : "is not heard: no beat for 3 s");
  }
  if (portion.news_after) {
    alerts_.set_news_after(*std::move(portion.news_after));
  }
  for (AlertRing::Entry& entry : portion.entries) {
    alerts_.add(std::move(entry));
  }
  monitor_.heard();
  kept_monitor_.heard();
  news_.ring();
  follower_.taken();
}

void Gateway::Loop::read_tokens_again() {
  if (!options_.token_file) {
    return;
  }
  try {
    access_ = Access::from_file(*options_.token_file);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hbgate: %s; the tokens from before stay in force\n", error.what());
  }
}

Gateway::Gateway(const Options& options, const bus::Signals& signals)
    : loop_(std::make_unique<Loop>(options, signals)) {}

Gateway::~Gateway() = default;

std::string Gateway::url() const { return loop_->url(); }

void Gateway::run() { loop_->run(); }

}  // namespace heartbeat::hbgate
