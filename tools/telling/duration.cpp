#include "telling/duration.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace heartbeat::telling {

namespace {

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 5> units{{
    {"ms", 1},
    {"s", 1'000},
    {"m", 60'000},
    {"h", 3'600'000},
    {"d", 86'400'000},
}};

std::optional<std::uint64_t> milliseconds_of(std::string_view unit) {
  for (const auto& [name, milliseconds] : units) {
    if (name == unit) {
      return milliseconds;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  const auto max = static_cast<std::uint64_t>(duration_max.count());
  std::uint64_t total = 0;
  if (text.empty()) {
    return std::nullopt;
  }
  while (!text.empty()) {
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{}) {
      return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const std::string_view name = text.substr(0, text.find_first_of("0123456789"));
    const auto unit = milliseconds_of(name);
    if (!unit || count > (max - total) / *unit) {
      return std::nullopt;
    }
    total += count * *unit;
    text.remove_prefix(name.size());
  }
  return Duration{static_cast<std::int64_t>(total)};
}

std::string format_exactly(Duration duration) {
  auto left = static_cast<std::uint64_t>(duration.count());
  std::string text;
  for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
    const std::uint64_t count = left / unit->second;
    left %= unit->second;
    if (count > 0) {
      text += std::to_string(count) + std::string(unit->first);
    }
  }
  return text.empty() ? "0ms" : text;
}

std::string format_duration(Duration duration) {
  const long long all = duration.count();
  char text[64];
  if (all < 1'000) {
    std::snprintf(text, sizeof text, "%lldms", all);
  } else if (all < 60'000) {
    std::snprintf(text, sizeof text, "%llds", all / 1'000);
  } else if (all < 3'600'000) {
    std::snprintf(text, sizeof text, "%lldm%02llds", all / 60'000, all / 1'000 % 60);
  } else if (all < 86'400'000) {
    std::snprintf(text, sizeof text, "%lldh%02lldm", all / 3'600'000, all / 60'000 % 60);
  } else {
    std::snprintf(text, sizeof text, "%lldd%02lldh", all / 86'400'000, all / 3'600'000 % 24);
  }
  return text;
}

}  // namespace heartbeat::telling
