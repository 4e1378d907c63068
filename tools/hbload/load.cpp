#include "load.hpp"

#include <chrono>

namespace heartbeat::hbload {
namespace {

constexpr std::chrono::seconds subscription_wait{5};

// Of `total`, what the process `number` of `processes` takes.
std::uint64_t share(std::uint64_t total, std::uint64_t processes, std::uint64_t number) {
  return total / processes + (number < total % processes ? 1 : 0);
}

}  // namespace

Load::Load(const LoadOptions& options) : options_(options) {
  for (std::uint64_t number = 0; number < options.processes; ++number) {
    senders_.push_back(std::make_unique<Sender>(options, number));
  }
}

Load::~Load() { stop(); }

bool Load::wait_for_subscriptions(int stop_fd) {
  const auto until = SteadyClock::now() + subscription_wait;
  for (const auto& sender : senders_) {
    if (!sender->wait_for_subscription(until, stop_fd)) {
      return false;
    }
  }
  return true;
}

void Load::start_registering() {
  run([this](Sender& sender, std::uint64_t) { sender.register_all(stopped_); });
}

void Load::start(std::uint64_t events, double seconds) {
  const auto length = std::chrono::duration<double>(seconds);
  const auto end = SteadyClock::now() + std::chrono::duration_cast<SteadyClock::duration>(length);
  run([this, events, end](Sender& sender, std::uint64_t number) {
    const double rate = options_.rate / static_cast<double>(options_.processes);
    sender.send({share(events, options_.processes, number), end, rate}, stopped_);
  });
}

void Load::run(const std::function<void(Sender&, std::uint64_t number)>& work) {
  threads_.clear();
  running_ = senders_.size();
  for (std::uint64_t number = 0; number < senders_.size(); ++number) {
    threads_.emplace_back([this, work, number] {
      work(*senders_[number], number);
      --running_;
    });
  }
}

void Load::stop() {
  stopped_ = true;
  threads_.clear();
}

std::uint64_t Load::events() const {
  std::uint64_t sum = 0;
  for (const auto& sender : senders_) {
    sum += sender->events();
  }
  return sum;
}

std::uint64_t Load::messages() const {
  std::uint64_t sum = 0;
  for (const auto& sender : senders_) {
    sum += sender->messages();
  }
  return sum;
}

}  // namespace heartbeat::hbload
