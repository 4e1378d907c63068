#include "mix.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace heartbeat::hbload {
namespace {

constexpr std::array<std::pair<std::string_view, Kind>, kinds> names{{
    {"activity", Kind::activity},
    {"progress", Kind::progress},
    {"phase", Kind::phase},
    {"promise", Kind::promise},
    {"idle", Kind::idle},
    {"register", Kind::register_},
}};

std::optional<std::pair<Kind, std::uint32_t>> parse_part(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return std::nullopt;
  }
  const auto known = std::find_if(names.begin(), names.end(), [&](const auto& name) {
    return name.first == text.substr(0, equals);
  });
  std::uint32_t share = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + equals + 1, last, share);
  if (known == names.end() || error != std::errc{} || end != last || share == 0 ||
      share > share_max) {
    return std::nullopt;
  }
  return std::pair{known->second, share};
}

}  // namespace

std::optional<Mix> parse_mix(std::string_view text) {
  Mix mix;
  while (true) {
    const std::size_t comma = text.find(',');
    const auto part = parse_part(text.substr(0, comma));
    if (!part || std::any_of(mix.begin(), mix.end(),
                             [&](const auto& other) { return other.first == part->first; })) {
      return std::nullopt;
    }
    mix.push_back(*part);
    if (comma == std::string_view::npos) {
      return mix;
    }
    text.remove_prefix(comma + 1);
  }
}

std::vector<Kind> drum(const Mix& mix) {
  std::vector<Kind> out;
  for (const auto& [kind, share] : mix) {
    out.insert(out.end(), share, kind);
  }
  return out;
}

}  // namespace heartbeat::hbload
