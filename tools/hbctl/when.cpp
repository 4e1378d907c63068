#include "when.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <string>

#include "telling/duration.hpp"

namespace heartbeat::hbctl {

namespace {

// As milliseconds it is a moment of 1973, as seconds one of the year 5138.
constexpr std::uint64_t seconds_max = 99'999'999'999;

// Takes what it reads off the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : left_(text) {}

  bool at_end() const { return left_.empty(); }
  bool take(char c) {
    if (left_.empty() || left_.front() != c) {
      return false;
    }
    left_.remove_prefix(1);
    return true;
  }
  // A number of exactly so many digits, in these bounds.
  std::optional<int> digits(std::size_t count, int min, int max) {
    int number = 0;
    const std::string_view taken = left_.substr(0, count);
    const auto [end, error] = std::from_chars(taken.data(), taken.data() + taken.size(), number);
    if (taken.size() != count || error != std::errc{} || end != taken.data() + count ||
        taken.front() == '-' || number < min || number > max) {
      return std::nullopt;
    }
    left_.remove_prefix(count);
    return number;
  }
  std::size_t leading_digits() const {
    return std::min(left_.find_first_not_of("0123456789"), left_.size());
  }

 private:
  std::string_view left_;
};

struct TimeOfDay {
  int hour = 0;
  int minute = 0;
  int second = 0;
  int milliseconds = 0;
};

std::optional<TimeOfDay> scan_time(Scanner& scan) {
  TimeOfDay time;
  const auto hour = scan.digits(2, 0, 23);
  const bool colon = scan.take(':');
  const auto minute = scan.digits(2, 0, 59);
  if (!hour || !colon || !minute) {
    return std::nullopt;
  }
  time.hour = *hour;
  time.minute = *minute;
  if (scan.take(':')) {
    const auto second = scan.digits(2, 0, 60);
    if (!second) {
      return std::nullopt;
    }
    time.second = *second;
    if (scan.take('.')) {
      const std::size_t places = scan.leading_digits();
      const auto fraction = places > 9 ? std::nullopt : scan.digits(places, 0, 999'999'999);
      if (places == 0 || !fraction) {
        return std::nullopt;
      }
      time.milliseconds = *fraction;
      for (std::size_t i = places; i < 3; ++i) {
        time.milliseconds *= 10;
      }
      for (std::size_t i = places; i > 3; --i) {
        time.milliseconds /= 10;
      }
    }
  }
  return time;
}

// Minutes east of Greenwich; nullopt: none is named.
bool scan_zone(Scanner& scan, std::optional<int>& minutes) {
  if (scan.take('Z')) {
    minutes = 0;
    return true;
  }
  const bool west = scan.take('-');
  if (!west && !scan.take('+')) {
    return true;
  }
  const auto hours = scan.digits(2, 0, 14);
  scan.take(':');
  const auto rest = scan.digits(2, 0, 59);
  if (!hours || !rest) {
    return false;
  }
  minutes = (*hours * 60 + *rest) * (west ? -1 : 1);
  return true;
}

std::optional<WallTime> parse_date(std::string_view text) {
  Scanner scan(text);
  const auto year = scan.digits(4, 1970, 9999);
  const bool first = scan.take('-');
  const auto month = scan.digits(2, 1, 12);
  const bool second = scan.take('-');
  const auto day = scan.digits(2, 1, 31);
  if (!year || !first || !month || !second || !day) {
    return std::nullopt;
  }
  TimeOfDay time;
  std::optional<int> zone;
  if (scan.take('T') || scan.take(' ')) {
    const auto scanned = scan_time(scan);
    if (!scanned || !scan_zone(scan, zone)) {
      return std::nullopt;
    }
    time = *scanned;
  }
  const auto date = std::chrono::year{*year} / std::chrono::month{static_cast<unsigned>(*month)} /
                    std::chrono::day{static_cast<unsigned>(*day)};
  if (!scan.at_end() || !date.ok()) {
    return std::nullopt;
  }
  std::tm fields{};
  fields.tm_year = *year - 1900;
  fields.tm_mon = *month - 1;
  fields.tm_mday = *day;
  fields.tm_hour = time.hour;
  fields.tm_min = time.minute;
  fields.tm_sec = time.second;
  fields.tm_isdst = -1;
  const std::time_t seconds = zone ? timegm(&fields) - *zone * 60 : std::mktime(&fields);
  return WallTime{Duration{std::int64_t{seconds} * 1'000 + time.milliseconds}};
}

}  // namespace

std::optional<WallTime> parse_when(std::string_view text, WallTime now) {
  if (const auto ago = telling::parse_duration(text)) {
    return now - *ago;
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size() &&
      number <= static_cast<std::uint64_t>(INT64_MAX)) {
    const auto since_epoch = static_cast<std::int64_t>(number);
    return WallTime{Duration{number <= seconds_max ? since_epoch * 1'000 : since_epoch}};
  }
  return parse_date(text);
}

}  // namespace heartbeat::hbctl
