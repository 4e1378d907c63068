// All sending processes of a load, each in a thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "options.hpp"
#include "sender.hpp"

namespace heartbeat::hbload {

class Load {
 public:
  // Connects. Throws std::runtime_error if the endpoint cannot be used.
  explicit Load(const LoadOptions& options);
  // Ends what is under way.
  ~Load();

  // True once somebody listens to each process, false after 5 s or when `stop_fd` is readable.
  bool wait_for_subscriptions(int stop_fd);
  // Registers every run, in the background.
  void start_registering();
  // Sends at most `events` for `seconds` at the options' rate, in the background. REQUIRES: what
  // was started before has finished.
  void start(std::uint64_t events, double seconds);
  bool finished() const { return running_ == 0; }
  // Returns when nothing more is sent.
  void stop();

  // What was handed over so far.
  std::uint64_t events() const;
  std::uint64_t messages() const;

 private:
  void run(const std::function<void(Sender&, std::uint64_t number)>& work);

  const LoadOptions options_;
  std::vector<std::unique_ptr<Sender>> senders_;
  std::atomic<bool> stopped_{false};
  std::atomic<std::size_t> running_{0};
  std::vector<std::jthread> threads_;
};

}  // namespace heartbeat::hbload
