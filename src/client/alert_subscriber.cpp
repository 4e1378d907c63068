// The subscription tells that something happened, the status socket fills whatever is missing. A
// message from the subscription is handed on only when it is exactly the next one; in every other
// case the monitor is asked, so there is one place where gaps and new epochs are dealt with.
#include "heartbeat/alert_subscriber.hpp"

#include <algorithm>
#include <deque>
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
  std::optional<zmq::socket_t> socket;
  std::optional<std::uint64_t> since;  // nullopt = begin now
  std::deque<Notice> notices;          // not yet fetched

  std::string epoch;  // "" = the position is not known yet
  std::uint64_t last = 0;
  bool proven = false;  // a beat has come: the subscription works
  Clock::time_point heard_at;
  bool gone = false;
  bool troubled = false;  // told of, and not over yet
  bool behind = false;    // the next page has to be asked for
  std::optional<Clock::time_point> ask_at;
  std::uint64_t ask_unless = 0;  // ask_at lapses once `last` has come so far

  Notice& tell(Event event) {
    notices.emplace_back().event = event;
    return notices.back();
  }

  void trouble(std::string why) {
    if (!std::exchange(troubled, true)) {
      tell(Event::trouble).why = std::move(why);
    }
  }

  void hand_on(const Alert& alert) {
    last = alert.seq;
    tell(Event::alert).alert = alert;
  }

  void ask_later(Duration delay, std::uint64_t unless) {
    ask_at = Clock::now() + delay;
    ask_unless = unless;
  }

  void subscribe() {
    zmq::socket_t fresh(context, zmq::socket_type::sub);
    fresh.set(zmq::sockopt::linger, 0);
    fresh.set(zmq::sockopt::rcvhwm, receive_queue_max);
    fresh.set(zmq::sockopt::subscribe, "alert.");
    fresh.set(zmq::sockopt::subscribe, "monitor.beat");
    client::connect(fresh, endpoints.alerts);
    socket = std::move(fresh);
    heard_at = Clock::now();
    // "Now" is the moment of the call, not of the first beat, which comes up to a second later.
    find_beginning();
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

  bool find_beginning() {
    const auto reply = ask(AlertsRequest{.since_seq = 0, .epoch = std::nullopt, .limit = 1});
    if (reply) {
      epoch = reply->epoch;
      last = std::min(since.value_or(reply->last_seq), reply->last_seq);
    }
    return reply.has_value();
  }

  // Asks for one page of what the monitor has after the last alert handled.
  void catch_up() {
    ask_at.reset();
    behind = false;
    if (epoch.empty() && !find_beginning()) {
      ask_later(ask_again_in, UINT64_MAX);
      return;
    }
    const auto reply = ask(AlertsRequest{.since_seq = last, .epoch = epoch});
    if (!reply || !hand_on_page(*reply)) {
      ask_later(ask_again_in, UINT64_MAX);
      return;
    }
    behind = last < reply->last_seq;
  }

  // False if the page brought nothing although there should be more.
  bool hand_on_page(const AlertsReply& reply) {
    if (reply.epoch != epoch) {
      epoch = reply.epoch;
      last = 0;
    }
    const std::uint64_t before = last;
    if (reply.first_seq > last + 1) {
      tell(Event::lost).lost = reply.first_seq - last - 1;
      last = reply.first_seq - 1;
    }
    for (const Alert& alert : reply.alerts) {
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
      tell(Event::back).restarted = !epoch.empty() && its_epoch != epoch;
    }
  }

  void take_message() {
    const auto frames = client::receive(*socket);
    if (frames.size() != 2) {
      trouble("a message of " + std::to_string(frames.size()) + " frames");
    } else if (frames[0] == "monitor.beat") {
      take_beat(frames[1]);
    } else {
      take_alert(frames[1]);
    }
  }

  void take_alert(const std::string& payload) {
    Alert alert;
    if (const auto problem = wire::decode_message(payload, alert)) {
      trouble("an alert that cannot be read: " + problem->message);
      return;  // it shows as a gap
    }
    heard(alert.epoch);
    if (!proven) {
      return;  // asked for, with all others that came before the first beat
    }
    if (alert.epoch == epoch && alert.seq == last + 1) {
      hand_on(alert);
    } else {
      behind = behind || alert.epoch != epoch || alert.seq > last;
    }
  }

  void take_beat(const std::string& payload) {
    Beat beat;
    if (const auto problem = wire::decode_message(payload, beat)) {
      trouble("a beat that cannot be read: " + problem->message);
      return;
    }
    heard(beat.epoch);
    const bool first = !std::exchange(proven, true);
    if (first || beat.epoch != epoch) {
      behind = true;
    } else if (beat.alert_seq > last && !ask_at) {
      ask_later(ahead_grace, beat.alert_seq);
    }
  }

  // What time alone brings.
  void look_at_clock() {
    const auto now = Clock::now();
    if (!gone && now >= heard_at + gone_after) {
      gone = true;
      tell(Event::gone);
    }
    if (ask_at && now >= *ask_at) {
      behind = behind || last < ask_unless;
      ask_at.reset();
    }
  }

  Clock::time_point next_look(Clock::time_point until) const {
    if (!gone) {
      until = std::min(until, heard_at + gone_after);
    }
    return ask_at ? std::min(until, *ask_at) : until;
  }
};

AlertSubscriber::AlertSubscriber(Endpoints endpoints, Duration timeout)
    : state_(std::make_unique<State>(std::move(endpoints), timeout)) {}

AlertSubscriber::~AlertSubscriber() = default;

void AlertSubscriber::begin_after(std::uint64_t since_seq) { state_->since = since_seq; }

std::optional<AlertSubscriber::Notice> AlertSubscriber::next(int stop_fd, Duration limit) {
  State& state = *state_;
  const auto until = State::Clock::now() + limit;
  if (!state.socket) {
    state.subscribe();
  }
  while (state.notices.empty()) {
    const auto now = State::Clock::now();
    const auto wake =
        client::wait(*state.socket, state.behind ? now : state.next_look(until), stop_fd);
    if (wake == client::Wake::stop || (wake == client::Wake::time && now >= until)) {
      return std::nullopt;
    }
    if (wake == client::Wake::message) {
      state.take_message();
    }
    state.look_at_clock();
    if (state.behind && state.notices.empty()) {
      state.catch_up();
    }
  }
  Notice notice = std::move(state.notices.front());
  state.notices.pop_front();
  return notice;
}

void AlertSubscriber::run(const std::function<bool(const Notice&)>& deliver, int stop_fd) {
  while (const auto notice = next(stop_fd)) {
    if (!deliver(*notice)) {
      return;
    }
  }
}

}  // namespace heartbeat
