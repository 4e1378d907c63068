// A cable between a client and a monitor, on ipc sockets, that can be cut.
#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <string>
#include <thread>

#include "tape.hpp"

namespace heartbeat::test {

class Cable {
 public:
  // Listens on `near` and connects each who comes to `far`; both ipc://PATH. What `far` is handed
  // goes onto the tape.
  Cable(const std::string& near, const std::string& far, Tape* tape = nullptr);
  ~Cable();
  Cable(const Cable&) = delete;
  Cable& operator=(const Cable&) = delete;

  // Ends all connections, with what is on its way. New ones are accepted at once.
  void cut() { order('c'); }
  // What comes from `near` waits on its way until release(), or dies there with its connection.
  void hold() { order('h'); }
  void release() { order('r'); }

 private:
  struct Pair {
    int near = -1;
    int far = -1;
    std::size_t number = 0;
  };
  void order(char what);  // until it is done
  bool obey();
  void run();
  void accept_one();
  bool relay_both(const Pair& pair, bool from_near, bool from_far);
  void close_pair(const Pair& pair);

  std::string far_;
  Tape* tape_;
  std::size_t accepted_ = 0;
  int listener_ = -1;
  int order_[2] = {-1, -1};  // a pipe: 'c' = cut, 'h' = hold, 'r' = release, closed = end
  std::atomic<int> obeyed_ = 0;
  bool held_ = false;
  std::list<Pair> pairs_;
  std::thread thread_;
};

}  // namespace heartbeat::test
