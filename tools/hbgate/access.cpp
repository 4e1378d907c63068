#include "access.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace heartbeat::hbgate {

namespace {

constexpr std::size_t token_bytes_min = 16;

[[noreturn]] void complain(const std::string& path, std::size_t line, const std::string& what) {
  throw std::runtime_error("--token-file " + path + ":" + std::to_string(line) + ": " + what);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// The HOST:PORT of an address such as a browser writes it; "" of `null`, which is nobody's.
std::string_view host_of(std::string_view url) {
  constexpr std::string_view mark = "://";
  const std::size_t begin = url.find(mark);
  if (begin == std::string_view::npos) {
    return {};
  }
  url.remove_prefix(begin + mark.size());
  return url.substr(0, url.find('/'));
}

// Whether a page of another site is the sender. What is no browser says nothing of it.
bool is_from_here(const Access::Credentials& credentials) {
  if (!credentials.fetch_site.empty()) {
    return credentials.fetch_site == "none" || credentials.fetch_site == "same-origin";
  }
  const auto same = [&](std::string_view url) {
    return url.empty() || lower(host_of(url)) == lower(credentials.host);
  };
  return same(credentials.origin) && same(credentials.referer);
}

bool is_token_character(char c) {
  return c > ' ' && c < 127;  // what an Authorization header can carry
}

}  // namespace

Access Access::from_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw std::runtime_error("--token-file " + path + ": cannot be read");
  }
  Access access(true);
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    std::istringstream words(line);
    std::string right;
    std::string token;
    std::string more;
    if (!(words >> right) || right.starts_with('#')) {
      continue;
    }
    words >> token >> more;
    if (more.starts_with('#')) {
      more.clear();
    }
    if ((right != "read" && right != "write") || !more.empty()) {
      complain(path, number, "expected 'read TOKEN' or 'write TOKEN'");
    }
    if (token.size() < token_bytes_min ||
        !std::all_of(token.begin(), token.end(), is_token_character)) {
      complain(path, number,
               "a token has at least " + std::to_string(token_bytes_min) +
                   " characters, of ASCII and without spaces");
    }
    access.tokens_.push_back({right == "read" ? Right::read : Right::write, token});
  }
  if (file.bad()) {
    throw std::runtime_error("--token-file " + path + ": cannot be read");
  }
  if (access.tokens_.empty()) {
    throw std::runtime_error("--token-file " + path + ": holds no token");
  }
  return access;
}

std::optional<Response> Access::refusal(Right right, const Credentials& credentials) const {
  if (right == Right::none) {
    return std::nullopt;
  }
  return tokens_.empty() ? refusal_by_origin(right, credentials)
                         : refusal_by_token(right, credentials.authorization);
}

std::optional<Response> Access::refusal_by_token(Right right,
                                                 std::string_view authorization) const {
  constexpr std::string_view scheme = "bearer ";
  const bool bearer = lower(authorization.substr(0, scheme.size())) == scheme;
  const std::string_view given = bearer ? authorization.substr(scheme.size()) : "";
  bool known = false;
  bool allowed = false;
  for (const Token& token : tokens_) {
    const bool same = same_secret(token.text, given);
    known |= same;
    allowed |= same && token.right == right;
  }
  if (allowed) {
    return std::nullopt;
  }
  if (known) {
    return refuse(
        403, "forbidden",
        right == Right::write ? "this token may only read" : "this token may only send events");
  }
  Response response =
      refuse(401, "unauthorized",
             given.empty() ? "expected a header Authorization: Bearer TOKEN" : "no such token");
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

// A page from elsewhere can make its user's browser send a request here, and by a name of its own
// that leads to 127.0.0.1 it can even read the answer.
std::optional<Response> Access::refusal_by_origin(Right right,
                                                  const Credentials& credentials) const {
  if (!any_host_ && !credentials.host.empty() && !is_loopback(credentials.host)) {
    return refuse(403, "foreign_host",
                  "this server is asked by the names of this machine alone (localhost, "
                  "127.0.0.1); other names need --token-file or --insecure");
  }
  if (right == Right::write && !is_from_here(credentials)) {
    return refuse(403, "foreign_page", "a page of another site may not send events");
  }
  return std::nullopt;
}

bool same_secret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  volatile unsigned char difference = 0;  // so that no compiler stops at the first
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<unsigned char>(
        difference | (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i])));
  }
  return difference == 0;
}

bool is_loopback(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    host = host.substr(0, colon);
  }
  const std::string name = lower(host);
  if (name == "localhost" || name.ends_with(".localhost") || name == "[::1]") {
    return true;
  }
  // 127.0.0.0/8, and no name that only begins so.
  return name.starts_with("127.") && std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isdigit(c) != 0 || c == '.';
         });
}

}  // namespace heartbeat::hbgate
