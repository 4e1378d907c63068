#include "client/agent_sender.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "client/fitting.hpp"
#include "client/source.hpp"
#include "wire/encode.hpp"

namespace heartbeat {
namespace {

// So many of the largest events fit a message.
constexpr std::size_t batch_events = 128;
// One wait for a transport that takes nothing; between two, changes and subscriptions are seen.
constexpr Duration send_timeout{50};
constexpr std::chrono::hours for_ever{1};

AgentClientOptions checked(AgentClientOptions options) {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument(what); };
  if (!is_endpoint(options.events)) {
    refuse("AgentClientOptions::events: got '" + options.events + "', expected " + endpoint_form);
  }
  if (options.beat_interval < Duration{1} || options.beat_interval > duration_max) {
    refuse("AgentClientOptions::beat_interval: expected 1 ms to ten years");
  }
  if (options.changes_max == 0) {
    refuse("AgentClientOptions::changes_max: got 0, expected at least 1");
  }
  if (options.linger < Duration{0}) {
    refuse("AgentClientOptions::linger: expected no negative duration");
  }
  return options;
}

}  // namespace

AgentClient::Sender::Sender(AgentClientOptions options)
    : options_(checked(std::move(options))),
      process_(getpid()),
      publication_(std::in_place, options_.events, options_.linger),
      beat_source_(client::random_source()),
      change_source_(client::random_source()),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      sent_(options_.changes_max),
      next_beat_(Clock::now()) {
  if (wake_fd_ < 0) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  // Signals are the program's business.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    close(wake_fd_);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

std::shared_ptr<AgentClient::Sender> AgentClient::Sender::make(AgentClientOptions options) {
  return {new Sender(std::move(options)), [](Sender* sender) {
            if (!sender->in_forked_child()) {
              delete sender;
            }
          }};
}

AgentClient::Sender::~Sender() { close(wake_fd_); }

bool AgentClient::Sender::in_forked_child() const { return getpid() != process_; }

void AgentClient::Sender::take(Change&& change) noexcept {
  if (in_forked_child()) {
    count_dropped();
    return;
  }
  try {
    bool wake = false;
    {
      const std::scoped_lock lock(mutex_);
      if (std::exchange(change.run->finished, change.run->finished || change.what == What::end)) {
        return;
      }
      if (stopping_) {
        ++dropped_;
        return;
      }
      wake = handed_over_.empty();
      // Under the lock: whoever reads an activity there has seen all changes before it.
      change.active = change.run->active.exchange(0, std::memory_order_acquire);
      handed_over_.push_back(std::move(change));
    }
    if (wake) {
      eventfd_write(wake_fd_, 1);
    }
  } catch (const std::exception&) {
    count_dropped();
  }
}

void AgentClient::Sender::change(const std::shared_ptr<AgentRun::Record>& run, What what,
                                 std::string_view text, std::optional<Duration> promise,
                                 std::string_view detail) noexcept {
  try {
    Change change;
    change.run = run;
    change.what = what;
    change.at = boot_now();
    change.text = what == What::phase    ? client::fitting(&Event::phase, text)
                  : what == What::detail ? client::fitting(&Event::detail, text)
                  : what == What::end    ? client::fitting(&Event::outcome, text)
                                         : std::string{};
    change.promise = client::acceptable_wait(promise);
    change.detail = client::fitting(&Event::detail, detail);
    take(std::move(change));
  } catch (const std::exception&) {
    count_dropped();
  }
}

void AgentClient::Sender::count_dropped() noexcept {
  if (in_forked_child()) {
    ++dropped_in_child_;
    return;
  }
  const std::scoped_lock lock(mutex_);
  ++dropped_;
}

AgentClient::Counts AgentClient::Sender::counts() const {
  if (in_forked_child()) {
    Counts counts;
    counts.changes_dropped_total = dropped_in_child_;
    return counts;
  }
  const std::scoped_lock lock(mutex_);
  Counts counts = counts_;
  counts.changes_waiting += handed_over_.size();
  counts.changes_dropped_total = dropped_;
  return counts;
}

void AgentClient::Sender::stop() noexcept {
  if (in_forked_child()) {
    return;
  }
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) {
    eventfd_write(wake_fd_, 1);
    thread_.join();
  }
}

void AgentClient::Sender::run() {
  try {
    while (turn()) {
    }
  } catch (const std::exception&) {
    // Out of memory, or of what the transport needs. The agent goes on without a monitor rather
    // than die of it; what it says from here on is counted as dropped.
  }
  if (stop_at_) {
    publication_->set_linger(std::chrono::ceil<Duration>(*stop_at_ - Clock::now()));
  }
  publication_.reset();  // here, so that stop() returns when all has left, not when the runs end
  const std::scoped_lock lock(mutex_);
  stopping_ = true;
  publish_counts();
  dropped_ += counts_.changes_waiting + handed_over_.size();
  handed_over_.clear();
  counts_.changes_waiting = 0;
}

// False: it was the last one.
bool AgentClient::Sender::turn() {
  wait();
  now_ = boot_now();
  if (collect() && !stop_at_) {
    stop_at_ = client::time_after(options_.linger);
    refusals_before_stop_ = publication_->refusals();
  }
  if (!publication_->subscribed()) {
    if (std::exchange(connected_, false)) {
      sent_.forget(now_);
      outbox_.clear();  // say_again() covers it
    }
  } else if (std::exchange(subscriptions_, publication_->subscriptions()) !=
             publication_->subscriptions()) {
    connected_ = true;
    outbox_.clear();
    say_again();
  }
  if (publication_->subscribed() && flush()) {
    sent_.forget(now_);
    say_changes();
    say_beats();
    flush();
  }
  {
    const std::scoped_lock lock(mutex_);
    publish_counts();
  }
  return !stop_at_ || is_worth_waiting();
}

// What was taken shortly before a connection ended may have died on its way, and is said again.
bool AgentClient::Sender::is_worth_waiting() const {
  const bool all_is_told = waiting_.empty() && outbox_.empty() && sent_.not_taken() == 0 &&
                           (connected_ || sent_.empty());
  const bool nobody_there = !options_.linger_when_refused && publication_->subscriptions() == 0 &&
                            publication_->refusals() > refusals_before_stop_;
  return !all_is_told && !nobody_there && Clock::now() < *stop_at_;
}

void AgentClient::Sender::wait() {
  const auto now = Clock::now();
  auto until = now + for_ever;
  if (publication_->subscribed()) {
    const bool more = !outbox_.empty() || !waiting_.empty() || beat_from_ != 0;
    until = more ? now : runs_.empty() ? until : next_beat_;
  }
  if (stop_at_) {
    until = std::min(until, *stop_at_);
  }
  publication_->look(until, wake_fd_);
}

bool AgentClient::Sender::collect() {
  eventfd_t count = 0;
  eventfd_read(wake_fd_, &count);
  // All under one lock: counts() sees each change in exactly one place.
  const std::scoped_lock lock(mutex_);
  for (; !handed_over_.empty(); handed_over_.pop_front()) {
    note_latest(handed_over_.front());
    waiting_.push_back(std::move(handed_over_.front()));
  }
  drop_beyond_limit();
  publish_counts();
  return stopping_;
}

// The run goes on as if the change had been told: after the next subscription its state is.
void AgentClient::Sender::drop_beyond_limit() {
  for (; waiting_.size() > options_.changes_max; waiting_.pop_front()) {
    Change& change = waiting_.front();
    if (change.active != 0) {
      note_active(*change.run, change.active);
    }
    apply(change);
    ++dropped_;
  }
}

// What was sent in the last seconds once more with its seq, and the state of each run, never as a
// register, which would make a hung worker look alive.
void AgentClient::Sender::say_again() {
  for (Change& change : sent_.kept()) {
    // This connection may end before they have arrived, too.
    sent_.note_said(change, now_);
  }
  say_changes_again();
  say_states();
  next_beat_ = Clock::now();
  beat_from_ = 0;
}

void AgentClient::Sender::say_changes_again() {
  const std::deque<Change>& kept = sent_.kept();
  for (std::size_t said = 0; said < kept.size();) {
    const std::size_t first = said;
    std::vector<Event> events;
    for (; said < kept.size() && events.size() < batch_events; ++said) {
      events.push_back(event_of(kept[said]));
    }
    say(events, kept[first].seq, events.size());
  }
}

void AgentClient::Sender::say_states() {
  std::vector<Event> events;
  for (const auto& run : runs_) {
    tell_state(*run, events);
    if (events.size() + 2 > batch_events) {
      say(std::exchange(events, {}));
    }
  }
  say(events);
}

void AgentClient::Sender::say_changes() {
  std::vector<Event> events;
  const std::uint64_t first_change = sent_.last_seq() + 1;
  while (!waiting_.empty() && events.size() + 2 <= batch_events) {
    Change& change = sent_.add(std::move(waiting_.front()));
    waiting_.pop_front();
    if (change.active != 0) {
      events.push_back(activity_of(*change.run, change.active));
    }
    apply(change);
    sent_.note_said(change, now_);
    events.push_back(event_of(change));
  }
  say(events, first_change, sent_.last_seq() + 1 - first_change);
}

// Behind all changes: what a run does is told after the run.
void AgentClient::Sender::say_beats() {
  if (!waiting_.empty() || Clock::now() < next_beat_) {
    return;
  }
  std::vector<Event> events;
  {
    const std::scoped_lock lock(mutex_);
    if (!handed_over_.empty()) {
      return;
    }
    for (; beat_from_ < runs_.size() && events.size() < batch_events; ++beat_from_) {
      AgentRun::Record& run = *runs_[beat_from_];
      if (run.active.load(std::memory_order_relaxed) != 0) {
        run.idle_latest = false;
        events.push_back(activity_of(run, run.active.exchange(0, std::memory_order_acquire)));
      }
    }
  }
  say(events);
  if (beat_from_ >= runs_.size()) {
    beat_from_ = 0;
    next_beat_ = client::time_after(options_.beat_interval);
  }
}

void AgentClient::Sender::say(std::span<const Event> events, std::uint64_t first_change,
                              std::size_t changes) {
  if (events.empty()) {
    return;
  }
  Message message;
  message.events = events.size();
  message.first_change = first_change;
  message.end_change = first_change + changes;
  wire::encode_batch(events, message.payload);
  outbox_.push_back(std::move(message));
}

bool AgentClient::Sender::flush() {
  for (; !outbox_.empty(); outbox_.pop_front()) {
    if (!publication_->send("event", outbox_.front().payload, send_timeout)) {
      ++sends_refused_;
      return false;
    }
    events_sent_ += outbox_.front().events;
    // It may have waited long, and the connection may end right behind it.
    sent_.note_taken(outbox_.front().first_change, outbox_.front().end_change, boot_now());
  }
  return true;
}

void AgentClient::Sender::publish_counts() {
  counts_.events_sent_total = events_sent_;
  counts_.changes_sent_total = sent_.taken();
  // Those that were said and not taken wait as well: they are said again.
  counts_.changes_waiting = waiting_.size() + sent_.not_taken();
  counts_.changes_displaced_total = sent_.displaced();
  counts_.sends_refused_total = sends_refused_;
  if (publication_) {
    counts_.subscriptions_total = publication_->subscriptions();
  }
  counts_.connected = publication_ && publication_->subscribed();
}

}  // namespace heartbeat
