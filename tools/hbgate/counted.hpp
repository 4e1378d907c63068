// Counts for as long as it lives.
#pragma once

namespace heartbeat::hbgate {

template <class Count>
class Counted {
 public:
  explicit Counted(Count& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  Count& count_;
};

}  // namespace heartbeat::hbgate
