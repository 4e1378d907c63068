// What leaves this program: reports, complaints, and a bar for who waits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace heartbeat::hbload {

// A line to standard output. Where nobody reads any more, it is lost.
void print(std::string_view line);
// A line to standard error, with the program's name before it.
void complain(std::string_view line);

// 1234567 as 1,234,567.
std::string grouped(std::uint64_t number);
// With so many places.
std::string decimal(double number, int places);

// A bar on standard error, where that is a terminal that can; else nothing at all. Gone when it
// ends.
class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(std::string_view what, double share);

 private:
  bool shown_;
};

}  // namespace heartbeat::hbload
