#include "http.hpp"
#include "support/catch.hpp"

namespace heartbeat::hbgate {
namespace {

std::string refusal_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Refusal& refusal) {
    return Json::parse(refusal.response().body)["error"]["message"];
  }
  return "";
}

Parameters parameters_of(const std::string& query) {
  return Parameters(*parse_target("/x?" + query));
}

}  // namespace

TEST_CASE("a path is split before it is decoded, so that an id may hold a slash") {
  const auto target = parse_target("/ping/a%2Fb%20%C3%A9/start");
  REQUIRE(target);
  CHECK(target->path == std::vector<std::string>{"ping", "a/b \u00e9", "start"});
  CHECK(parse_target("/")->path == std::vector<std::string>{""});
  CHECK(parse_target("/a+b")->path == std::vector<std::string>{"a+b"});
  CHECK(parse_target("http://host:1/a?b=http://c")->path == std::vector<std::string>{"a"});
}

TEST_CASE("a query is decoded as forms write it") {
  const auto query = parse_target("/x?a=1+2%263&b&&c=")->query;
  REQUIRE(query.size() == 3);
  CHECK(query[0] == std::pair<std::string, std::string>{"a", "1 2&3"});
  CHECK(query[1] == std::pair<std::string, std::string>{"b", ""});
  CHECK(query[2] == std::pair<std::string, std::string>{"c", ""});
}

TEST_CASE("what is no path is none") {
  for (const char* text :
       {"", "x", "*", "http://host", "ftp://host/", "/%", "/%4", "/%zz", "/x?a=%f", "/x?%-1=2"}) {
    INFO(text);
    CHECK_FALSE(parse_target(text));
  }
}

TEST_CASE("a parameter that cannot be used is named with its value and what would be right") {
  const auto number = [](const std::string& query) {
    return refusal_of([&] { parameters_of(query).number("limit", {1, 10}); });
  };
  CHECK(number("limit=11") == "limit: got '11', expected a whole number from 1 to 10");
  for (const char* query : {"limit=0", "limit=", "limit=-1", "limit=1x", "limit=0x1", "limit=+1",
                            "limit=99999999999999999999"}) {
    INFO(query);
    CHECK_FALSE(number(query).empty());
  }
  CHECK(refusal_of([] {
          parameters_of("status=ill").word("status", {"well", "fine"});
        }) == "status: got 'ill', expected one of well, fine");
  CHECK_FALSE(refusal_of([] { parameters_of("agent=%00").text("agent"); }).empty());
  CHECK_FALSE(refusal_of([] { parameters_of("agent=%ff").text("agent"); }).empty());
  CHECK(parameters_of("limit=10").number("limit", {1, 10}) == 10U);
  CHECK_FALSE(parameters_of("other=1").number("limit").has_value());
}

TEST_CASE("a parameter that nobody asked for is refused, and so is one that is there twice") {
  auto parameters = parameters_of("limit=1&limit=2");
  parameters.number("limit");
  CHECK_FALSE(refusal_of([&] { parameters.done(); }).empty());
  CHECK(refusal_of([] {
          parameters_of("statsu=stale").done();
        }).starts_with("statsu: no parameter of this path"));
  CHECK(refusal_of([] { parameters_of("").done(); }).empty());
}

}  // namespace heartbeat::hbgate
