// A request and its response as plain values, so that what answers them knows nothing of sockets.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telling/json.hpp"

namespace heartbeat::hbgate {

using telling::Json;

// What a request asks for: the path's segments and the parameters behind `?`, all decoded.
struct Target {
  std::vector<std::string> path;
  std::vector<std::pair<std::string, std::string>> query;
};

// nullopt: it does not begin with `/`, or a `%` is not followed by two hexadecimal digits.
std::optional<Target> parse_target(std::string_view target);

struct Request {
  std::string method;
  Target target;
  std::string body;
  std::string content_type;
  std::string last_event_id;
  std::string if_none_match;
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

Response respond(const Json& json, unsigned status = 200);
// {"success": false, "error": {code, message}}
Response refuse(unsigned status, std::string_view code, std::string_view message);

// A request that gets no further: what() is the message.
class Refusal : public std::exception {
 public:
  explicit Refusal(Response response) : response_(std::move(response)) {}
  const Response& response() const { return response_; }
  const char* what() const noexcept override { return response_.body.c_str(); }

 private:
  Response response_;
};

// The parameters of one request. Each is asked for by name; one that nobody asked for, or twice the
// same, is refused by done(), so that a misspelt filter does not show everything.
class Parameters {
 public:
  explicit Parameters(const Target& target) : left_(target.query) {}

  // Whatever it is.
  std::optional<std::string> bytes(std::string_view name);
  // Throw Refusal, 400 bad_argument, with the parameter, its value and what would be right.
  std::optional<std::string> text(std::string_view name);
  std::optional<std::uint64_t> number(std::string_view name, Bounds bounds = {});
  // One of `words`.
  std::optional<std::string> word(std::string_view name, const std::vector<std::string>& words);
  void done() const;

 private:
  std::vector<std::pair<std::string, std::string>> left_;
};

}  // namespace heartbeat::hbgate
