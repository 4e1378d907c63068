// Which kinds of events a load is made of.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace heartbeat::hbload {

// `progress`, `phase` and `promise` are activities that carry one; a `register` starts the run
// anew.
enum class Kind : std::uint8_t { activity, progress, phase, promise, idle, register_ };
inline constexpr std::size_t kinds = 6;

// Shares are relative to each other, each above 0, no kind twice.
using Mix = std::vector<std::pair<Kind, std::uint32_t>>;

inline constexpr std::uint32_t share_max = 10'000;

// What agents send: hardly anything but that they live.
inline Mix default_mix() { return {{Kind::activity, 98}, {Kind::idle, 1}, {Kind::progress, 1}}; }

// activity=98,idle=1,progress=1. nullopt = not of this form.
std::optional<Mix> parse_mix(std::string_view text);

// Each kind as often as its share says: any element is as likely as any other.
std::vector<Kind> drum(const Mix& mix);

}  // namespace heartbeat::hbload
