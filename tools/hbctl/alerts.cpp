#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>

#include "heartbeat/alert_subscriber.hpp"
#include "output.hpp"
#include "signal_descriptor.hpp"
#include "telling/json.hpp"

namespace heartbeat::hbctl {

namespace {

void print_alert(const Options& options, const Alert& alert) {
  if (options.json) {
    print_json(to_json(alert));
    return;
  }
  std::string severity = shown(alert.severity);
  severity.resize(std::max<std::size_t>(severity.size(), 7), ' ');
  std::string kind = shown(alert.kind);
  kind.resize(std::max<std::size_t>(kind.size(), 8), ' ');
  print(format_time(alert.raised_at) + "  #" + std::to_string(alert.seq) + "  " +
        coloured(severity + "  " + kind, colour_of(alert.severity)) + "  " + shown(alert.message) +
        (alert.run_id.empty() ? "" : ", run " + shown(alert.run_id)));
}

// Readable when the program should end: SIGINT, SIGTERM, or nobody reads its output any more,
// which would else be noticed only by the next alert.
class EndOfFollowing {
 public:
  // REQUIRES: no other thread runs yet; the signals are blocked for those that come.
  EndOfFollowing() {
    either_ = epoll_create1(EPOLL_CLOEXEC);
    check(either_ >= 0, "epoll_create1");
    epoll_event on_signal{};
    on_signal.events = EPOLLIN;
    check(epoll_ctl(either_, EPOLL_CTL_ADD, signals_.fd(), &on_signal) == 0, "epoll_ctl");
    // No events asked for: errors and hang-ups are reported all the same. EPERM = a plain file.
    epoll_event on_hang_up{};
    check(epoll_ctl(either_, EPOLL_CTL_ADD, STDOUT_FILENO, &on_hang_up) == 0 || errno == EPERM,
          "epoll_ctl");
  }
  ~EndOfFollowing() { close(either_); }
  EndOfFollowing(const EndOfFollowing&) = delete;
  EndOfFollowing& operator=(const EndOfFollowing&) = delete;

  int fd() const { return either_; }
  bool reached() const {
    pollfd item{either_, POLLIN, 0};
    return ::poll(&item, 1, 0) > 0;
  }

 private:
  static void check(bool fine, const char* what) {
    if (!fine) {
      throw std::system_error(errno, std::generic_category(), what);
    }
  }

  SignalDescriptor signals_{SIGINT, SIGTERM};
  int either_ = -1;
};

// With the time, as alerts have it: when the monitor went away is what one looks for later.
void complain_now(const std::string& what) {
  const auto now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  complain(format_time(now) + "  " + what);
}

void take(const Options& options, const AlertSubscriber::Notice& notice) {
  switch (notice.event) {
    case AlertSubscriber::Event::alert:
      return print_alert(options, notice.alert);
    case AlertSubscriber::Event::gone:
      return complain_now("the monitor has been silent for 3 s");
    case AlertSubscriber::Event::back:
      return complain_now(notice.resumed     ? "the monitor is back in an epoch from before: its "
                                               "alerts go on after the last one shown"
                          : notice.restarted ? "another epoch of the monitor: it was restarted "
                                               "without its state, or its state file cannot be "
                                               "written"
                                             : "the monitor is back");
    case AlertSubscriber::Event::lost:
      return complain_now(std::to_string(notice.lost) +
                          " alerts are no longer kept by the monitor");
    case AlertSubscriber::Event::trouble:
      return complain_now(notice.why);
  }
}

int follow(const Options& options, const AlertsOptions& verb) {
  const EndOfFollowing end;
  StatusClient client(options.endpoints.status, options.timeout, 1, end.fd());
  const auto answer = client.ask(PingRequest{});
  if (end.reached()) {
    return exit_ok;
  }
  if (!std::holds_alternative<PingReply>(answer)) {
    return fail(options, answer);
  }
  AlertSubscriber subscriber(options.endpoints, options.timeout);
  if (verb.since) {
    subscriber.begin_after(*verb.since, verb.epoch);
  }
  subscriber.run(
      [&options](const AlertSubscriber::Notice& notice) {
        take(options, notice);
        return true;
      },
      end.fd());
  return exit_ok;
}

// Notes of the first page what the options make one expect, and do not get.
void compare(const AlertsOptions& verb, const AlertsReply& page) {
  if (verb.epoch && *verb.epoch != page.epoch) {
    return complain("the monitor's epoch is " + page.epoch + ", not " + *verb.epoch +
                    ": these are all alerts that it keeps of its own");
  }
  if (verb.since && *verb.since > page.last_seq) {
    complain("the monitor's last alert is #" + std::to_string(page.last_seq) + ", of epoch " +
             page.epoch);
  }
}

int list(const Options& options, const AlertsOptions& verb) {
  StatusClient client(options.endpoints.status, options.timeout);
  AlertsRequest request;
  request.since_seq = verb.since.value_or(0);
  request.epoch = verb.epoch;
  for (bool first = true;; first = false) {
    const auto answer = client.ask(request);
    const auto* page = std::get_if<AlertsReply>(&answer);
    if (page == nullptr) {
      return fail(options, answer);
    }
    const bool another = request.epoch && *request.epoch != page->epoch;
    if (first) {
      compare(verb, *page);
      request.since_seq = another ? 0 : request.since_seq;
    } else if (another) {  // it has nothing to do with this listing
      complain("the monitor was restarted; its new alerts begin with seq 1");
      return exit_ok;
    }
    if (verb.since && page->first_seq - 1 > request.since_seq) {
      complain("alerts before seq " + std::to_string(page->first_seq) + " are no longer kept");
    }
    for (const Alert& alert : page->alerts) {
      print_alert(options, alert);
      request.since_seq = alert.seq;
    }
    request.epoch = page->epoch;
    if (page->alerts.empty() || request.since_seq >= page->last_seq) {
      return exit_ok;
    }
  }
}

}  // namespace

int run_alerts(const Options& options, const AlertsOptions& verb) {
  return verb.follow ? follow(options, verb) : list(options, verb);
}

}  // namespace heartbeat::hbctl
