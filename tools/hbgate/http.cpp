#include "http.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "client/printable.hpp"

namespace heartbeat::hbgate {

namespace {

// `plus_is_space`: as forms write it, behind the `?` only.
bool decode(std::string_view text, bool plus_is_space, std::string& out) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%') {
      unsigned value = 0;
      const char* digits = text.data() + at + 1;
      if (text.size() - at < 3) {
        return false;
      }
      const auto [end, error] = std::from_chars(digits, digits + 2, value, 16);
      if (error != std::errc{} || end != digits + 2) {
        return false;
      }
      out += static_cast<char>(value);
      at += 2;
    } else {
      out += plus_is_space && text[at] == '+' ? ' ' : text[at];
    }
  }
  return true;
}

// Calls `take` with each part until it returns false.
template <class Take>
bool split(std::string_view text, char mark, const Take& take) {
  while (true) {
    const std::size_t end = text.find(mark);
    if (!take(text.substr(0, end))) {
      return false;
    }
    if (end == std::string_view::npos) {
      return true;
    }
    text.remove_prefix(end + 1);
  }
}

[[noreturn]] void refuse_argument(std::string_view name, std::string_view value,
                                  const std::string& expected) {
  throw Refusal(refuse(
      400, "bad_argument",
      std::string(name) + ": got '" + client::printable(value, 200) + "', expected " + expected));
}

}  // namespace

std::optional<Target> parse_target(std::string_view text) {
  Target target;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (text.starts_with(scheme)) {  // as to a proxy: RFC 9112, 3.2.2
      text.remove_prefix(std::min(text.find_first_of("/?", scheme.size()), text.size()));
    }
  }
  const std::size_t mark = text.find('?');
  const std::string_view path = text.substr(0, mark);
  if (!path.starts_with('/')) {
    return std::nullopt;
  }
  const bool path_fits = split(path.substr(1), '/', [&target](std::string_view segment) {
    return decode(segment, false, target.path.emplace_back());
  });
  if (!path_fits) {
    return std::nullopt;
  }
  if (mark == std::string_view::npos) {
    return target;
  }
  const bool query_fits = split(text.substr(mark + 1), '&', [&target](std::string_view pair) {
    if (pair.empty()) {
      return true;
    }
    const std::size_t equals = pair.find('=');
    auto& [name, value] = target.query.emplace_back();
    return decode(pair.substr(0, equals), true, name) &&
           (equals == std::string_view::npos || decode(pair.substr(equals + 1), true, value));
  });
  return query_fits ? std::optional{std::move(target)} : std::nullopt;
}

Response respond(const Json& json, unsigned status) {
  Response response;
  response.status = status;
  response.body = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return response;
}

Response refuse(unsigned status, std::string_view code, std::string_view message) {
  return respond({{"success", false}, {"error", {{"code", code}, {"message", message}}}}, status);
}

std::optional<std::string> Parameters::bytes(std::string_view name) {
  const auto is_named = [name](const auto& parameter) { return parameter.first == name; };
  const auto found = std::find_if(left_.begin(), left_.end(), is_named);
  if (found == left_.end()) {
    return std::nullopt;
  }
  std::string value = std::move(found->second);
  left_.erase(found);
  return value;
}

std::optional<std::string> Parameters::text(std::string_view name) {
  auto value = bytes(name);
  if (value && !client::is_clean_text(*value)) {
    refuse_argument(name, *value, "UTF-8 without control characters");
  }
  return value;
}

std::optional<std::uint64_t> Parameters::number(std::string_view name, Bounds bounds) {
  const auto value = text(name);
  if (!value) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  const char* const end = value->data() + value->size();
  const auto [stop, error] = std::from_chars(value->data(), end, number);
  if (error != std::errc{} || stop != end || number < bounds.min || number > bounds.max) {
    refuse_argument(name, *value,
                    bounds.max == std::numeric_limits<std::uint64_t>::max()
                        ? "a whole number of at least " + std::to_string(bounds.min)
                        : "a whole number from " + std::to_string(bounds.min) + " to " +
                              std::to_string(bounds.max));
  }
  return number;
}

std::optional<std::string> Parameters::word(std::string_view name,
                                            const std::vector<std::string>& words) {
  auto value = text(name);
  if (value && std::find(words.begin(), words.end(), *value) == words.end()) {
    std::string expected = "one of";
    for (const std::string& word : words) {
      expected += (&word == &words.front() ? " " : ", ") + word;
    }
    refuse_argument(name, *value, expected);
  }
  return value;
}

void Parameters::done() const {
  if (!left_.empty()) {
    throw Refusal(refuse(400, "bad_argument",
                         client::printable(left_.front().first, 200) +
                             ": no parameter of this path, or there twice"));
  }
}

}  // namespace heartbeat::hbgate
