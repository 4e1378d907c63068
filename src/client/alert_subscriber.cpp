// The sockets under an AlertCursor: one wait for the subscription, for the answer to the question
// that is open, and for the caller's descriptor.
#include "heartbeat/alert_subscriber.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "client/alert_cursor.hpp"
#include "client/sockets.hpp"
#include "client/status_connection.hpp"
#include "wire/decode.hpp"

namespace heartbeat {

namespace {

constexpr int receive_queue_max = 100'000;  // not below the monitor's alerts_kept by default
// What the subscription delivered goes before an answer, because it may be the last of an epoch
// that the answer ends; but no flood of it keeps an answer, or a question, waiting for ever. What
// comes in a row is there without being waited for, which would take several system calls each.
constexpr std::size_t messages_in_a_row_max = 1'000;

}  // namespace

struct AlertSubscriber::State {
  using Clock = client::SteadyClock;
  enum class Wake { message, answer, time, stop };

  State(Endpoints given, Duration limit)
      : endpoints(std::move(given)), timeout(limit), status(context, endpoints.status) {}

  Endpoints endpoints;
  Duration timeout;
  zmq::context_t context = client::make_context();
  std::optional<zmq::socket_t> socket;
  client::StatusConnection status;
  Clock::time_point answer_by;      // while a question is open
  std::vector<std::string> frames;  // of the message
  std::size_t messages_in_a_row = 0;
  // The last look at the sockets found no answer. A message that is read without one leaves open
  // whether it has come since.
  bool unanswered = true;
  client::AlertCursor cursor;

  void subscribe() {
    zmq::socket_t fresh = client::make_socket(context, zmq::socket_type::sub);
    fresh.set(zmq::sockopt::linger, 0);
    fresh.set(zmq::sockopt::rcvhwm, receive_queue_max);
    fresh.set(zmq::sockopt::subscribe, "alert.");
    fresh.set(zmq::sockopt::subscribe, "monitor.beat");
    client::connect(fresh, endpoints.alerts);
    socket = std::move(fresh);
    cursor.begin(Clock::now());
  }

  bool may_ask() const { return cursor.behind() && !status.open(); }

  Wake wait(Clock::time_point until, int stop_fd) {
    if (messages_in_a_row % messages_in_a_row_max != 0 && !client::readable(stop_fd) && receive()) {
      unanswered = false;
      return Wake::message;
    }
    until = may_ask() ? Clock::time_point{} : cursor.next_look(until);
    std::array<zmq_pollitem_t, 3> items{{
        {nullptr, stop_fd, ZMQ_POLLIN, 0},
        {socket->handle(), 0, ZMQ_POLLIN, 0},
        {nullptr, -1, ZMQ_POLLIN, 0},
    }};
    const std::size_t first = stop_fd < 0 ? 1U : 0U;
    std::size_t count = 2 - first;
    if (status.open()) {
      items[2].socket = status.socket().handle();
      until = std::min(until, answer_by);
      ++count;
    }
    client::poll(items.data() + first, count, until);
    if (items[0].revents != 0) {
      return Wake::stop;
    }
    const bool answered = items[2].revents != 0;
    unanswered = !answered;
    if (items[1].revents != 0 && !(answered && messages_in_a_row >= messages_in_a_row_max) &&
        receive()) {
      return Wake::message;
    }
    messages_in_a_row = 0;
    return answered ? Wake::answer : Wake::time;
  }

  bool receive() {
    frames = client::receive(*socket);
    messages_in_a_row += frames.empty() ? 0U : 1U;
    return !frames.empty();
  }

  void ask() {
    const AlertsRequest request = cursor.request();
    cursor.asked();
    if (auto unusable = status.send(request)) {
      miss(std::move(unusable->why));
    }
    answer_by = client::time_after(timeout);
  }

  void miss(std::string why) {
    cursor.trouble(std::move(why));
    cursor.ask_again(Clock::now());
  }

  void take_answer() {
    auto answer = status.answer<AlertsReply>();
    if (const auto* page = std::get_if<AlertsReply>(&answer)) {
      cursor.take_page(*page, Clock::now());
    } else if (auto* error = std::get_if<Error>(&answer)) {
      miss(std::move(error->message));
    } else {
      miss(std::move(std::get<Unreachable>(answer).why));
    }
  }

  void take_message() {
    if (frames.size() != 2) {
      cursor.trouble("a message of " + std::to_string(frames.size()) + " frames");
    } else if (frames[0] == "monitor.beat") {
      Beat beat;
      if (const auto problem = wire::decode_message(frames[1], beat)) {
        cursor.trouble("a beat that cannot be read: " + problem->message);
      } else {
        cursor.take_beat(beat, Clock::now());
      }
    } else {
      Alert alert;
      if (const auto problem = wire::decode_message(frames[1], alert)) {
        cursor.trouble("an alert that cannot be read: " + problem->message);  // it shows as a gap
      } else {
        cursor.take_alert(alert, Clock::now());
      }
    }
  }

  void look_at_clock(Wake wake) {
    const auto now = Clock::now();
    cursor.look_at_clock(now);
    if (wake == Wake::message && (messages_in_a_row < messages_in_a_row_max || !unanswered)) {
      return;  // the next one may answer the question, or its answer be there
    }
    if (wake != Wake::answer && status.open() && now >= answer_by) {
      status.give_up();
      miss(status.no_answer_within(timeout).why);
    }
    if (may_ask()) {
      ask();
    }
  }
};

AlertSubscriber::AlertSubscriber(Endpoints endpoints, Duration timeout)
    : state_(std::make_unique<State>(std::move(endpoints), timeout)) {}

AlertSubscriber::~AlertSubscriber() = default;

void AlertSubscriber::begin_after(std::uint64_t since_seq, std::optional<std::string> epoch) {
  if (epoch && !client::is_epoch(*epoch)) {
    throw std::invalid_argument("AlertSubscriber::begin_after: epoch: got '" + *epoch +
                                "', expected 1 to " + std::to_string(epoch_bytes_max) +
                                " bytes of UTF-8 without control characters");
  }
  state_->cursor.begin_after(since_seq, std::move(epoch).value_or(""));
}

std::optional<AlertSubscriber::Notice> AlertSubscriber::next(int stop_fd, Duration limit) {
  State& state = *state_;
  const auto until = client::time_after(limit);
  if (!state.socket) {
    state.subscribe();
  }
  if (state.cursor.has_notices() && client::readable(stop_fd)) {
    return std::nullopt;
  }
  while (!state.cursor.has_notices()) {
    const auto now = State::Clock::now();
    const State::Wake wake = state.wait(until, stop_fd);
    switch (wake) {
      case State::Wake::stop:
        return std::nullopt;
      case State::Wake::message:
        state.take_message();
        break;
      case State::Wake::answer:
        state.take_answer();
        break;
      case State::Wake::time:
        break;
    }
    state.look_at_clock(wake);
    if (wake == State::Wake::time && now >= until && !state.cursor.has_notices()) {
      return std::nullopt;
    }
  }
  return state.cursor.fetch();
}

void AlertSubscriber::run(const std::function<bool(const Notice&)>& deliver, int stop_fd) {
  while (const auto notice = next(stop_fd)) {
    if (!deliver(*notice)) {
      return;
    }
  }
}

}  // namespace heartbeat
