#include "silences.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "bus/clock.hpp"
#include "client/source.hpp"
#include "event_form.hpp"
#include "stop.hpp"
#include "wire/encode.hpp"

namespace heartbeat::hbload {
namespace {

constexpr std::string_view prefix = "quiet-";
constexpr std::chrono::seconds subscription_wait{5};
// From the last word of each to its deadline, where they are spread.
constexpr Duration spread_promise{1'000};
// Promises that are all due at once are sent in batches, and slowly enough that each is read as it
// is sent: else the monitor would count each from when it gets to it.
constexpr std::size_t together_batch = 64;
constexpr double together_per_s = 200'000;
// From the last promise to the deadline of all.
constexpr std::chrono::milliseconds together_lead{2'000};

SteadyClock::duration after(double seconds) {
  return std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

Silences::Silences(const std::string& endpoint, const LatencyOptions& options)
    : options_(options),
      source_(client::random_source()),
      publication_(endpoint, Duration{0}),
      deadlines_(options.silent) {}

bool Silences::wait_for_subscription(int stop_fd) {
  const auto until = SteadyClock::now() + subscription_wait;
  while (!publication_.subscribed() && SteadyClock::now() < until && !client::readable(stop_fd)) {
    publication_.look(until, stop_fd);
  }
  return publication_.subscribed();
}

void Silences::promise_all(const std::atomic<bool>& stopped) {
  if (options_.over_seconds > 0) {
    promise_spread(stopped);
  } else {
    promise_together(stopped);
  }
}

void Silences::promise_spread(const std::atomic<bool>& stopped) {
  const auto began = SteadyClock::now();
  const double apart = options_.over_seconds / static_cast<double>(options_.silent);
  for (std::size_t agent = 0; agent < options_.silent && !stopped; ++agent) {
    sleep_until(began + after(apart * static_cast<double>(agent)), stopped);
    promise(agent, 1, spread_promise, stopped);
  }
}

void Silences::promise_together(const std::atomic<bool>& stopped) {
  const auto began = SteadyClock::now();
  const double sending_s = static_cast<double>(options_.silent) / together_per_s;
  const auto deadline = began + after(sending_s) + together_lead;
  for (std::size_t first = 0; first < options_.silent && !stopped; first += together_batch) {
    sleep_until(began + after(static_cast<double>(first) / together_per_s), stopped);
    const auto left = std::chrono::round<Duration>(deadline - SteadyClock::now());
    promise(first, std::min(together_batch, options_.silent - first), std::max(left, Duration{1}),
            stopped);
  }
}

void Silences::promise(std::size_t first, std::size_t agents, Duration within,
                       const std::atomic<bool>& stopped) {
  ids_.clear();
  for (std::size_t agent = first; agent < first + agents; ++agent) {
    const Digits digits = digits_of(static_cast<std::uint32_t>(agent));
    ids_.push_back(std::string(prefix).append(digits.data(), digits.size()));
  }
  events_.assign(agents, Event{});
  const auto now = SteadyClock::now();
  const WallTime sent_at = bus::wall_now();
  for (std::size_t i = 0; i < agents; ++i) {
    events_[i].kind = EventKind::register_;
    events_[i].agent_id = ids_[i];
    events_[i].running_for_ms = Duration{0};
    events_[i].stale_after_ms = within;
    events_[i].source = source_;
    events_[i].seq = first + i + 1;
    events_[i].sent_at = sent_at;
    deadlines_[first + i] = now + within;
  }
  payload_.clear();
  if (agents == 1) {
    wire::encode(events_.front(), payload_);
  } else {
    wire::encode_batch(events_, payload_);
  }
  while (!publication_.send("event", payload_, stop_look)) {
    if (stopped) {
      return;
    }
  }
  ++messages_;
}

std::optional<std::size_t> Silences::number_of(std::string_view agent_id) const {
  if (!agent_id.starts_with(prefix)) {
    return std::nullopt;
  }
  std::size_t number = 0;
  const char* last = agent_id.data() + agent_id.size();
  const auto [end, error] = std::from_chars(agent_id.data() + prefix.size(), last, number);
  if (error != std::errc{} || end != last || number >= options_.silent) {
    return std::nullopt;
  }
  return number;
}

}  // namespace heartbeat::hbload
