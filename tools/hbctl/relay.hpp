// Copies what comes through a pipe to a stream of this program's.
//
// In a thread of its own, because a write may take as long as the stream's reader likes, and
// O_NONBLOCK is no way out: the stream is shared with whoever started this program, and so would
// the flag be. What is under way is bounded by the pipe and one chunk, so that the pipe's writer
// waits for the stream's reader as it would without this program.
#pragma once

#include <cstddef>
#include <functional>
#include <thread>

#include "bus/event_descriptor.hpp"

namespace heartbeat::hbctl {

class Relay {
 public:
  // Takes the descriptor `from` over. Calls `heard`, in its thread, whenever something has come.
  // Throws std::system_error.
  Relay(int from, int to, std::function<void()> heard);
  // Finishes, and waits for that.
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // What is in the pipe is still handed on, and nothing that comes later: others than the one whose
  // output it was may hold the pipe open for ever.
  void finish();
  // Readable once it has ended: finished, at the pipe's end, or because nobody takes what it
  // writes, which then closes the pipe to its writers.
  int ended() const { return ended_.fd(); }

 private:
  void run();
  void hand_on_rest();
  // How many bytes were handed on, 0 = there will be no more.
  std::size_t hand_on(std::size_t bytes_max);

  const int from_;
  const int to_;
  const std::function<void()> heard_;
  const bus::EventDescriptor finish_;
  const bus::EventDescriptor ended_;
  std::thread thread_;
};

}  // namespace heartbeat::hbctl
