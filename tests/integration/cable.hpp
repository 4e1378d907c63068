// A cable between a client and a monitor, on ipc sockets, that can be cut.
#pragma once

#include <atomic>
#include <list>
#include <string>
#include <thread>

namespace heartbeat::test {

class Cable {
 public:
  // Listens on `near` and connects each who comes to `far`; both ipc://PATH.
  Cable(const std::string& near, const std::string& far);
  ~Cable();
  Cable(const Cable&) = delete;
  Cable& operator=(const Cable&) = delete;

  // Ends all connections, with what is on its way. New ones are accepted at once.
  void cut();
  int cuts() const { return cuts_; }

 private:
  struct Pair {
    int near = -1;
    int far = -1;
  };
  void run();
  void accept_one();

  std::string far_;
  int listener_ = -1;
  int order_[2] = {-1, -1};  // a pipe: 'c' = cut, closed = end
  std::atomic<int> cuts_ = 0;
  std::list<Pair> pairs_;
  std::thread thread_;
};

}  // namespace heartbeat::test
