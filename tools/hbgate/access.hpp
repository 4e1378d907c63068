// Who may do what: by token, or, where nobody needs one, by what a browser says of a page that
// sends requests in its user's name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http.hpp"

namespace heartbeat::hbgate {

enum class Right { none, read, write };  // what a path asks for

class Access {
 public:
  // Without tokens. `any_host`: the server is not on loopback, so any name may lead to it.
  explicit Access(bool any_host) : any_host_(any_host) {}
  // Tokens from a file: lines `read TOKEN` or `write TOKEN`, `#` begins a comment; a token that
  // stands in both has both rights. Throws std::runtime_error with file, line and what would be
  // right.
  static Access from_file(const std::string& path);

  // What the check looks at, of a request's headers.
  struct Credentials {
    std::string_view authorization;
    std::string_view host;
    std::string_view fetch_site;  // Sec-Fetch-Site, which browsers send to loopback and by TLS
    std::string_view origin;      // these two say it elsewhere, unless the page is set on
    std::string_view referer;     // hiding: who is beyond loopback and needs to be safe has tokens
  };
  // nullopt: it may.
  std::optional<Response> refusal(Right right, const Credentials& credentials) const;

 private:
  struct Token {
    Right right;
    std::string text;
  };
  std::optional<Response> refusal_by_token(Right right, std::string_view authorization) const;
  std::optional<Response> refusal_by_origin(Right right, const Credentials& credentials) const;

  bool any_host_ = false;
  std::vector<Token> tokens_;
};

// The same time whatever the bytes are; only whether the sizes differ may be told by it.
bool same_secret(std::string_view a, std::string_view b);

// A name or an address that leads to this machine alone. With or without a port behind it.
bool is_loopback(std::string_view host);

}  // namespace heartbeat::hbgate
