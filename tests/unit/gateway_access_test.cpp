#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "access.hpp"
#include "rate_limit.hpp"
#include "support/catch.hpp"

namespace heartbeat::hbgate {
namespace {

constexpr const char* reader = "0123456789abcdef-reads";
constexpr const char* writer = "0123456789abcdef-sends";
constexpr const char* both = "0123456789abcdef-both!";

class TokenFile {
 public:
  explicit TokenFile(const std::string& text) {
    std::string form = "/tmp/heartbeat-tokens-XXXXXX";
    close(mkstemp(form.data()));
    path = form;
    std::ofstream(path) << text;
  }
  ~TokenFile() { std::remove(path.c_str()); }
  TokenFile(const TokenFile&) = delete;
  TokenFile& operator=(const TokenFile&) = delete;
  std::string path;
};

unsigned status_of(const Access& access, Right right, const Access::Credentials& credentials) {
  const auto refusal = access.refusal(right, credentials);
  return refusal ? refusal->status : 200;
}

std::string complaint_about(const std::string& text) {
  const TokenFile file(text);
  try {
    Access::from_file(file.path);
  } catch (const std::runtime_error& error) {
    return std::string(error.what()).substr(("--token-file " + file.path).size());
  }
  return "";
}

}  // namespace

TEST_CASE("a token allows what its lines say and nothing else") {
  const TokenFile file(std::string("# who\nread ") + reader + "\nwrite " + writer + "\nread " +
                       both + "\n\n  write " + both + "  \n");
  const Access access = Access::from_file(file.path);
  struct Case {
    std::string authorization;
    unsigned read;
    unsigned write;
  };
  for (const auto& [authorization, read, write] : {
           Case{std::string("Bearer ") + reader, 200, 403},
           Case{std::string("bearer ") + writer, 403, 200},
           Case{std::string("BEARER ") + both, 200, 200},
           Case{"", 401, 401},
           Case{reader, 401, 401},
           Case{std::string("Basic ") + reader, 401, 401},
           Case{std::string("Bearer ") + reader + "x", 401, 401},
           Case{std::string("Bearer ") + std::string(reader).substr(1), 401, 401},
           Case{"Bearer ", 401, 401},
       }) {
    INFO(authorization);
    CHECK(status_of(access, Right::read, {authorization, "evil.example", "cross-site", "", ""}) ==
          read);
    CHECK(status_of(access, Right::write, {authorization, "evil.example", "cross-site", "", ""}) ==
          write);
    CHECK(status_of(access, Right::none, {authorization, "evil.example", "cross-site", "", ""}) ==
          200);
  }
}

TEST_CASE("a token file that cannot be used is refused with its line") {
  CHECK(complaint_about("").ends_with("holds no token"));
  CHECK(complaint_about("\n# nobody\n").ends_with("holds no token"));
  CHECK(complaint_about("read short\n").starts_with(":1: a token has at least 16 characters"));
  CHECK(complaint_about(std::string("read ") + reader + "\nadmin " + writer + "\n")
            .starts_with(":2: expected 'read TOKEN' or 'write TOKEN'"));
  CHECK(complaint_about("write\n").starts_with(":1: "));
  CHECK(complaint_about(std::string("read ") + reader + " more\n").starts_with(":1: expected"));
  CHECK_THROWS_WITH(Access::from_file("/nowhere/tokens"),
                    "--token-file /nowhere/tokens: cannot be read");
}

TEST_CASE("without tokens a browser's foreign page can neither send nor read") {
  const Access loopback(false);
  struct Case {
    const char* host;
    const char* site;
    unsigned read;
    unsigned write;
  };
  for (const auto& [host, site, read, write] : {
           Case{"127.0.0.1:5580", "", 200, 200},
           Case{"localhost:5580", "same-origin", 200, 200},
           Case{"[::1]:5580", "none", 200, 200},
           Case{"", "", 200, 200},
           Case{"127.0.0.1:5580", "cross-site", 200, 403},
           Case{"127.0.0.1:5580", "same-site", 200, 403},
           Case{"evil.example:5580", "same-origin", 403, 403},
           Case{"127.0.0.1.evil.example", "", 403, 403},
           Case{"localhost.evil.example", "", 403, 403},
           Case{"[2001:db8::1]:5580", "", 403, 403},
           Case{"10.0.0.1", "", 403, 403},
       }) {
    INFO(host << ", " << site);
    CHECK(status_of(loopback, Right::read, {"", host, site, "", ""}) == read);
    CHECK(status_of(loopback, Right::write, {"", host, site, "", ""}) == write);
  }
  const Access insecure(true);
  CHECK(status_of(insecure, Right::read, {"", "fleet.example", "same-origin", "", ""}) == 200);
  CHECK(status_of(insecure, Right::write, {"", "fleet.example", "cross-site", "", ""}) == 403);
}

TEST_CASE("where a browser says no more than where its page is from, that decides") {
  const Access insecure(true);
  struct Case {
    const char* origin;
    const char* referer;
    unsigned write;
  };
  for (const auto& [origin, referer, write] : {
           Case{"", "", 200},
           Case{"http://fleet.example:5580", "", 200},
           Case{"", "http://Fleet.example:5580/page?x=1", 200},
           Case{"http://evil.example", "", 403},
           Case{"", "http://evil.example/fleet.example:5580", 403},
           Case{"http://fleet.example", "", 403},
           Case{"null", "", 403},
           Case{"http://fleet.example:5580", "http://evil.example/", 403},
       }) {
    INFO(origin << ", " << referer);
    CHECK(status_of(insecure, Right::write, {"", "fleet.example:5580", "", origin, referer}) ==
          write);
    CHECK(status_of(insecure, Right::read, {"", "fleet.example:5580", "", origin, referer}) == 200);
  }
}

TEST_CASE("secrets are compared whole") {
  CHECK(same_secret("abc", "abc"));
  CHECK_FALSE(same_secret("abc", "abd"));
  CHECK_FALSE(same_secret("abc", "bbc"));
  CHECK_FALSE(same_secret("abc", "ab"));
  CHECK_FALSE(same_secret("", "a"));
}

TEST_CASE("an address has a burst of requests and then so many a second, and costs no other") {
  RateLimit limit;
  RateLimit::Time now{};
  int allowed = 0;
  while (limit.allow("10.0.0.1", now)) {
    ++allowed;
  }
  CHECK(allowed == static_cast<int>(RateLimit::at_once));
  CHECK(limit.allow("10.0.0.2", now));
  now += std::chrono::milliseconds{10};
  allowed = 0;
  while (limit.allow("10.0.0.1", now)) {
    ++allowed;
  }
  CHECK(allowed == static_cast<int>(RateLimit::per_second / 100));
}

TEST_CASE("who is limited stays so while many others come and go") {
  RateLimit limit;
  RateLimit::Time now{};
  while (limit.allow("busy", now)) {
  }
  for (std::size_t other = 0; other + 1 < RateLimit::addresses_max; ++other) {
    limit.allow(std::to_string(other), now);
  }
  now += std::chrono::milliseconds{100};
  CHECK(limit.allow("one more", now));
  int allowed = 0;
  while (limit.allow("busy", now)) {
    ++allowed;
  }
  CHECK(allowed == static_cast<int>(RateLimit::per_second / 10));
}

}  // namespace heartbeat::hbgate
