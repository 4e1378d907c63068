#include "daemon/glob.hpp"

#include <string>

#include "support/catch.hpp"

namespace heartbeat::daemon {
namespace {

bool matches_glob(const std::string& pattern, std::string_view text) {
  return Glob(pattern).matches(text);
}

}  // namespace

TEST_CASE("a glob without wildcards matches only itself") {
  CHECK(matches_glob("pm", "pm"));
  CHECK_FALSE(matches_glob("pm", "pm2"));
  CHECK_FALSE(matches_glob("pm2", "pm"));
  CHECK(matches_glob("", ""));
  CHECK_FALSE(matches_glob("", "pm"));
  CHECK(matches_glob("[a]\\", "[a]\\"));
}

TEST_CASE("a star in a glob stands for any bytes, also none") {
  CHECK(matches_glob("*", ""));
  CHECK(matches_glob("dev-*", "dev-"));
  CHECK(matches_glob("dev-*", "dev-7/a"));
  CHECK(matches_glob("*-7", "dev-7"));
  CHECK(matches_glob("a*b*c", "a-b-b-c"));
  CHECK(matches_glob("**a**", "a"));
  CHECK_FALSE(matches_glob("a*b*c", "a-c-b"));
}

TEST_CASE("a question mark in a glob stands for one code point") {
  CHECK(matches_glob("dev-?", "dev-7"));
  CHECK(matches_glob("dev-?", "dev-\u00e9"));
  CHECK(matches_glob("?", "\U0001F600"));
  CHECK(matches_glob("*?", "\u00e9"));
  CHECK_FALSE(matches_glob("??", "\u00e9"));
  CHECK_FALSE(matches_glob("?", ""));
}

TEST_CASE("a glob of many stars does not explode") {
  std::string pattern;
  for (int i = 0; i < 255; ++i) {
    pattern += "*a";
  }
  Glob glob(pattern + "b");
  CHECK_FALSE(glob.matches(std::string(128, 'a')));
  CHECK(glob.steps() > 128);
  CHECK(glob.steps() <= 128 * 511);
}

}  // namespace heartbeat::daemon
