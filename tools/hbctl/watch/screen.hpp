// The terminal: what is drawn, and what is typed. It is taken over when a Screen is made, and given
// back as it was when that is destroyed, and also when the program crashes.
#pragma once

#include <stdexcept>
#include <vector>

#include "watch/frame.hpp"
#include "watch/view.hpp"

struct screen;  // of the terminal library

namespace heartbeat::hbctl::watch {

// Why there is none that can be drawn on.
struct NoTerminal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Screen {
 public:
  // REQUIRES: there is no other, and SIGTSTP, SIGCONT and SIGWINCH are blocked: who waits for them
  // calls the functions below. Throws NoTerminal.
  explicit Screen(bool colour);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  Size size() const;
  // Sends the terminal what has changed since the last frame.
  void draw(const Frame& frame);
  // What has been typed, without waiting.
  std::vector<Key> keys();

  // After SIGWINCH.
  void resize();
  // For SIGTSTP: gives the terminal back and stops the program, until SIGCONT.
  void suspend();
  // After SIGCONT: takes the terminal over again.
  void resume();

 private:
  ::screen* screen_ = nullptr;
  bool colour_ = false;
};

}  // namespace heartbeat::hbctl::watch
