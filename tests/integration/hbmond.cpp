#include "hbmond.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace heartbeat::test {
namespace {

using Clock = std::chrono::steady_clock;

std::filesystem::path new_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "hb-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), pattern);
  }
  return pattern;
}

}  // namespace

Hbmond::Hbmond(const std::vector<std::string>& options) : folder_(new_folder()) {
  const std::string prefix = "ipc://" + folder_.string() + "/";
  endpoints_ = {prefix + "events", prefix + "alerts", prefix + "status"};
  words_ = {
      HEARTBEAT_BIN_DIR "/hbmond",
      "--events=" + endpoints_.events,
      "--alerts=" + endpoints_.alerts,
      "--status=" + endpoints_.status,
  };
  words_.insert(words_.end(), options.begin(), options.end());
  start();
}

void Hbmond::start() {
  std::vector<char*> arguments;
  for (std::string& word : words_) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // Nothing of the test's own: a test that crashes leaves it behind, and who waits for the end of
  // the test's output would wait for its end too.
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  const std::string log_path = folder_ / "log";
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_path.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  std::vector<char*> variables;  // but none that would be an option
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view{*variable}.starts_with("HB_")) {
      variables.push_back(*variable);
    }
  }
  variables.push_back(nullptr);
  const int failed =
      posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    throw std::system_error(failed, std::generic_category(), words_[0]);
  }
  pid_fd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (pid_fd_ < 0) {
    throw std::system_error(errno, std::generic_category(), "pidfd_open");
  }
  const auto deadline = Clock::now() + time_limit;
  while (!answers()) {
    if (wait(Duration{0})) {
      throw std::runtime_error("hbmond did not start:\n" + log());
    }
    if (Clock::now() > deadline) {
      throw std::runtime_error("hbmond does not answer:\n" + log());
    }
  }
}

Hbmond::~Hbmond() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (pid_fd_ >= 0) {
    close(pid_fd_);
  }
  std::error_code ignored;  // a folder left behind in /tmp is no reason to fail
  std::filesystem::remove_all(folder_, ignored);
}

std::string Hbmond::log() const {
  std::ifstream file(folder_ / "log");
  return {std::istreambuf_iterator<char>{file}, {}};
}

bool Hbmond::answers() const {
  StatusClient client{endpoints_.status, Duration{200}};
  return std::holds_alternative<PingReply>(client.ask(PingRequest{}));
}

void Hbmond::kill() {
  ::kill(pid_, SIGKILL);
  wait(time_limit);
}

std::optional<int> Hbmond::stop(Duration limit) {
  ::kill(pid_, SIGTERM);
  return wait(limit);
}

std::optional<int> Hbmond::wait(Duration limit) {
  pollfd ended{pid_fd_, POLLIN, 0};
  if (poll(&ended, 1, static_cast<int>(limit.count())) <= 0) {
    return std::nullopt;
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  close(std::exchange(pid_fd_, -1));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::uint64_t counter(const Hbmond& monitor, const std::string& name) {
  for (const auto& [key, value] : ask<CountersReply>(monitor, CountersRequest{}).counters) {
    if (key == name) {
      return value;
    }
  }
  FAIL("no counter " << name);
  return 0;
}

void tell(const Hbmond& monitor, EventPublisher& publisher, const Event& event) {
  REQUIRE(publisher.wait_for_monitor(time_limit));
  REQUIRE(publisher.publish(event, time_limit));
  const auto deadline = Clock::now() + time_limit;
  while (ask<PingReply>(monitor, PingRequest{publisher.source()}).source_seq.value_or(0) <
         publisher.seq()) {
    REQUIRE(Clock::now() < deadline);
  }
}

void let_time_out(const Hbmond& monitor, const std::string& name, int agents) {
  EventPublisher publisher{monitor.endpoints().events};
  for (int i = 0; i < agents; ++i) {
    const std::string agent_id = name + std::to_string(i);
    Event event;
    event.kind = EventKind::register_;
    event.agent_id = agent_id;
    event.running_for_ms = Duration{1'000};
    event.timeout_after_ms = Duration{1};
    tell(monitor, publisher, event);
  }
}

std::uint64_t last_seq(const Hbmond& monitor) {
  return ask<AlertsReply>(monitor, AlertsRequest{}).last_seq;
}

Notices notices_until(const Endpoints& endpoints,
                      const std::function<bool(const AlertSubscriber::Notice&)>& last) {
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  REQUIRE(timer >= 0);
  itimerspec limit{};
  limit.it_value.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(time_limit).count();
  timerfd_settime(timer, 0, &limit, nullptr);

  Notices notices;
  bool found = false;
  AlertSubscriber subscriber{endpoints};
  subscriber.begin_after(0);
  subscriber.run(
      [&](const AlertSubscriber::Notice& notice) {
        notices.push_back(notice);
        found = last(notice);
        return !found;
      },
      timer);
  close(timer);
  REQUIRE(found);
  return notices;
}

std::vector<std::uint64_t> seqs_of(const Notices& notices) {
  std::vector<std::uint64_t> seqs;
  for (const AlertSubscriber::Notice& notice : notices) {
    if (notice.event == AlertSubscriber::Event::alert) {
      seqs.push_back(notice.alert.seq);
    }
  }
  return seqs;
}

}  // namespace heartbeat::test
