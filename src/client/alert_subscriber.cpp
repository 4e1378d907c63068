// The subscription tells that something happened, the status socket fills whatever is missing. A
// message from the subscription is handed on only when it is exactly the next one; in every other
// case the monitor is asked, so there is one place where gaps and new epochs are dealt with.
#include "heartbeat/alert_subscriber.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "client/sockets.hpp"
#include "heartbeat/status_client.hpp"
#include "wire/decode.hpp"

namespace heartbeat {

namespace {

constexpr Duration gone_after{3'000};       // without a beat or an alert
constexpr Duration ahead_grace{100};        // a beat may overtake our reading of alerts
constexpr Duration ask_again_in{1'000};     // after a question that was not answered
constexpr int receive_queue_max = 100'000;  // not below the monitor's alerts_kept by default

}  // namespace

struct AlertSubscriber::State {
  using Clock = client::SteadyClock;

  State(Endpoints given, Duration timeout)
      : endpoints(std::move(given)), status(endpoints.status, timeout) {}

  Endpoints endpoints;
  StatusClient status;
  zmq::context_t context{1};
  std::optional<std::uint64_t> since;  // nullopt = begin now

  std::string epoch;  // "" = the position is not known yet
  std::uint64_t last = 0;
  Clock::time_point heard_at;
  bool gone = false;
  bool troubled = false;  // told of, and not over yet
  bool stopped = false;
  std::optional<Clock::time_point> ask_at;
  std::uint64_t ask_unless = 0;  // ask_at lapses once `last` has come so far
  const std::function<bool(const Notice&)>* deliver = nullptr;

  void tell(const Notice& notice) { stopped = stopped || !(*deliver)(notice); }

  void trouble(std::string why) {
    if (!troubled) {
      troubled = true;
      Notice notice;
      notice.event = Event::trouble;
      notice.why = std::move(why);
      tell(notice);
    }
  }

  void hand_on(const Alert& alert) {
    last = alert.seq;
    Notice notice;
    notice.alert = alert;
    tell(notice);
  }

  void ask_later(Duration delay, std::uint64_t unless) {
    ask_at = Clock::now() + delay;
    ask_unless = unless;
  }

  std::optional<AlertsReply> ask(const AlertsRequest& request) {
    auto answer = status.ask(request);
    if (auto* reply = std::get_if<AlertsReply>(&answer)) {
      troubled = false;
      return std::move(*reply);
    }
    const auto* error = std::get_if<Error>(&answer);
    trouble(error != nullptr ? error->message : std::get<Unreachable>(answer).why);
    return std::nullopt;
  }

  // "Now" is the moment of the call, not of the first beat, which comes up to a second later.
  bool find_beginning() {
    const auto reply = ask(AlertsRequest{.since_seq = 0, .epoch = std::nullopt, .limit = 1});
    if (reply) {
      epoch = reply->epoch;
      last = std::min(since.value_or(reply->last_seq), reply->last_seq);
    }
    return reply.has_value();
  }

  // Hands on whatever the monitor has after the last alert handled.
  void catch_up(int stop_fd, zmq::socket_t& socket) {
    ask_at.reset();
    if (epoch.empty() && !find_beginning()) {
      ask_later(ask_again_in, UINT64_MAX);
      return;
    }
    while (!stopped) {
      const auto reply = ask(AlertsRequest{.since_seq = last, .epoch = epoch});
      if (!reply || !hand_on_page(*reply)) {
        ask_later(ask_again_in, UINT64_MAX);
        return;
      }
      if (last >= reply->last_seq) {
        return;
      }
      stopped = stopped || client::wait(socket, Clock::now(), stop_fd) == client::Wake::stop;
    }
  }

  // False if the page brought nothing although there should be more.
  bool hand_on_page(const AlertsReply& reply) {
    if (reply.epoch != epoch) {
      epoch = reply.epoch;
      last = 0;
    }
    const std::uint64_t before = last;
    if (reply.first_seq > last + 1) {
      Notice notice;
      notice.event = Event::lost;
      notice.lost = reply.first_seq - last - 1;
      last = reply.first_seq - 1;
      tell(notice);
    }
    for (const Alert& alert : reply.alerts) {
      if (stopped) {
        return true;
      }
      if (alert.seq > last) {
        hand_on(alert);
      }
    }
    return last > before || last >= reply.last_seq;
  }

  // An alert is a sign of life too, and may come before the first beat.
  void heard(const std::string& its_epoch) {
    heard_at = Clock::now();
    if (std::exchange(gone, false)) {
      Notice notice;
      notice.event = Event::back;
      notice.restarted = !epoch.empty() && its_epoch != epoch;
      tell(notice);
    }
  }

  // True if the monitor has to be asked at once.
  bool take_alert(const std::string& payload, bool proven) {
    Alert alert;
    if (const auto problem = wire::decode_message(payload, alert)) {
      trouble("an alert that cannot be read: " + problem->message);
      return false;  // it shows as a gap
    }
    heard(alert.epoch);
    if (!proven) {
      return false;
    }
    if (alert.epoch != epoch) {
      return true;
    }
    if (alert.seq == last + 1) {
      hand_on(alert);
      return false;
    }
    return alert.seq > last;
  }

  bool take_beat(const std::string& payload) {
    Beat beat;
    if (const auto problem = wire::decode_message(payload, beat)) {
      trouble("a beat that cannot be read: " + problem->message);
      return false;
    }
    heard(beat.epoch);
    if (beat.epoch != epoch) {
      return true;
    }
    if (beat.alert_seq > last && !ask_at) {
      ask_later(ahead_grace, beat.alert_seq);
    }
    return false;
  }
};

AlertSubscriber::AlertSubscriber(Endpoints endpoints, Duration timeout)
    : state_(std::make_unique<State>(std::move(endpoints), timeout)) {}

AlertSubscriber::~AlertSubscriber() = default;

void AlertSubscriber::begin_after(std::uint64_t since_seq) {
  state_->since = since_seq;
  state_->epoch.clear();
}

void AlertSubscriber::run(const std::function<bool(const Notice&)>& deliver, int stop_fd) {
  State& state = *state_;
  state.deliver = &deliver;
  state.stopped = false;
  state.gone = false;
  zmq::socket_t socket(state.context, zmq::socket_type::sub);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::rcvhwm, receive_queue_max);
  socket.set(zmq::sockopt::subscribe, "alert.");
  socket.set(zmq::sockopt::subscribe, "monitor.beat");
  client::connect(socket, state.endpoints.alerts);
  if (state.epoch.empty()) {
    state.find_beginning();
  }

  bool proven = false;  // a beat has come: the subscription works
  state.heard_at = State::Clock::now();
  while (!state.stopped) {
    auto until = (state.gone ? State::Clock::now() : state.heard_at) + gone_after;
    if (state.ask_at) {
      until = std::min(until, *state.ask_at);
    }
    const client::Wake wake = client::wait(socket, until, stop_fd);
    if (wake == client::Wake::stop) {
      return;
    }
    bool ask_now = false;
    if (wake == client::Wake::message) {
      const auto frames = client::receive(socket);
      if (frames.size() != 2) {
        state.trouble("a message of " + std::to_string(frames.size()) + " frames");
      } else if (frames[0] == "monitor.beat") {
        const bool first = !std::exchange(proven, true);
        ask_now = state.take_beat(frames[1]) || first;
      } else {
        // Those before the first beat are asked for with all others that came before it.
        ask_now = state.take_alert(frames[1], proven);
      }
    } else if (!state.gone && State::Clock::now() >= state.heard_at + gone_after) {
      state.gone = true;
      Notice notice;
      notice.event = Event::gone;
      state.tell(notice);
    }
    if (state.ask_at && State::Clock::now() >= *state.ask_at) {
      ask_now = ask_now || state.last < state.ask_unless;
      state.ask_at.reset();
    }
    if (ask_now && !state.stopped) {
      state.catch_up(stop_fd, socket);
    }
  }
}

}  // namespace heartbeat
