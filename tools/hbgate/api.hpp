// What each path answers. schemas/openapi.yaml describes it for those who ask.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access.hpp"
#include "alert_ring.hpp"
#include "event_body.hpp"
#include "event_desk.hpp"
#include "http.hpp"
#include "lister.hpp"
#include "metrics.hpp"
#include "monitor.hpp"
#include "workers.hpp"

namespace heartbeat::hbgate {

class Api {
 public:
  // All of them outlive it. `state`: the monitor's state file, if there is one to read.
  Api(Monitor& monitor, Lister& lister, EventDesk& desk, const AlertRing& alerts,
      const OwnCounters& own, std::optional<std::string> state);

  // Of 1,024 events.
  static constexpr std::size_t body_bytes_max = 2 * 1024 * 1024;
  struct BodyRule {
    std::size_t bytes_max;
    bool cut;  // what is over is passed over; else the request is refused
  };
  static constexpr BodyRule no_body{0, false};
  static constexpr BodyRule events_body{body_bytes_max, false};
  // Of a job's output, whatever its size: decoration costs no heartbeat. More than `detail` holds,
  // since what is no text shrinks.
  static constexpr BodyRule detail_body{4 * 1024, true};

  using Answered = boost::asio::awaitable<Response>;
  struct Route {
    std::vector<std::string_view> methods;  // HEAD comes with GET
    std::vector<std::string_view> path;     // "*" = any segment
    Right right;
    BodyRule body;
    Answered (Api::*answer)(const Request& request, Parameters& parameters);  // nullptr: a stream
  };
  // Throws Refusal: 404 no such path, 405 not that method.
  static const Route& route(std::string_view method, const Target& target);

  // REQUIRES: the route is the request's, and no stream. Throws Refusal, and what the store throws.
  Answered answer(const Route& route, const Request& request);

 private:
  static const std::vector<Route>& routes();

  Answered page(const Request& request, Parameters& parameters);
  Answered healthz(const Request& request, Parameters& parameters);
  Answered readyz(const Request& request, Parameters& parameters);
  Answered metrics(const Request& request, Parameters& parameters);
  Answered status(const Request& request, Parameters& parameters);
  Answered agents(const Request& request, Parameters& parameters);
  Answered ranking(const Request& request, Parameters& parameters);
  Answered agent(const Request& request, Parameters& parameters);
  Answered alerts(const Request& request, Parameters& parameters);
  Answered history(const Request& request, Parameters& parameters);
  Answered counters(const Request& request, Parameters& parameters);
  Answered events(const Request& request, Parameters& parameters);
  Answered ping(const Request& request, Parameters& parameters);

  // Publishes the events and says what became of them.
  Answered publish(const EventBody& body);
  // Why a ping did not count, if the run that was asked about is not in flight.
  boost::asio::awaitable<std::optional<Response>> refusal_of_unwatched(
      const AgentRequest& question);

  Monitor& monitor_;
  Lister& lister_;
  EventDesk& desk_;
  const AlertRing& alerts_;
  const OwnCounters& own_;
  const std::optional<std::string> state_;
  Workers disk_{1, 64};
  Workers parsing_{1, 64};
};

}  // namespace heartbeat::hbgate
