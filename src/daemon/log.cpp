#include "daemon/log.hpp"

#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <string>
#include <string_view>
#include <thread>

#include "wire/utf8.hpp"

namespace heartbeat::daemon {
namespace {

constexpr std::size_t queue_lines = 8192;
constexpr const char* logger_name = "hbmond";

// `%*` in a pattern: the message, so that it stays on its line and, in JSON, within its quotes.
class EscapedMessage : public spdlog::custom_flag_formatter {
 public:
  explicit EscapedMessage(bool in_quotes) : in_quotes_(in_quotes) {}

  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& out) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    std::string line;
    line.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      const auto byte = static_cast<unsigned char>(c);
      const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
      const bool c1 = byte == 0xC2 && next >= 0x80 && next < 0xA0;  // terminals obey these too
      if (byte < 0x20 || byte == 0x7F || c1) {
        constexpr std::string_view digits = "0123456789abcdef";
        const unsigned char code = c1 ? next : byte;
        line += {'\\', 'u', '0', '0', digits[code >> 4], digits[code & 0xF]};
        i += c1 ? 1 : 0;
      } else {
        if (in_quotes_ && (c == '"' || c == '\\')) {
          line += '\\';
        }
        line += c;
      }
    }
    if (!wire::is_clean_text(line)) {
      // A path, say, need not be UTF-8; JSON must be.
      std::replace_if(
          line.begin(), line.end(), [](char c) { return (c & 0x80) != 0; }, '?');
    }
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<EscapedMessage>(in_quotes_);
  }

 private:
  bool in_quotes_;
};

std::unique_ptr<spdlog::formatter> make_formatter(bool json) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<EscapedMessage>('*', json);
  formatter->set_pattern(json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":"%*"})"
                              : "%Y-%m-%dT%H:%M:%S.%e%z %l %*");
  return formatter;
}

}  // namespace

std::shared_ptr<spdlog::logger> make_logger(const Options& options) {
  spdlog::init_thread_pool(queue_lines, 1);
  auto logger = std::make_shared<spdlog::async_logger>(
      logger_name, std::make_shared<spdlog::sinks::stderr_sink_mt>(), spdlog::thread_pool(),
      spdlog::async_overflow_policy::overrun_oldest);
  logger->set_formatter(make_formatter(options.log_format == "json"));
  logger->set_level(spdlog::level::from_str(options.log_level));
  logger->flush_on(spdlog::level::warn);
  spdlog::register_logger(logger);  // flush_every() sees only what is registered
  spdlog::flush_every(std::chrono::seconds(1));
  return logger;
}

std::uint64_t log_lines_dropped_total() {
  const auto pool = spdlog::thread_pool();
  return pool ? pool->overrun_counter() : 0;
}

bool close_log(Duration limit) {
  auto closed = std::make_shared<std::promise<void>>();
  std::thread([closed] {
    spdlog::shutdown();
    closed->set_value();
  }).detach();
  return closed->get_future().wait_for(limit) == std::future_status::ready;
}

}  // namespace heartbeat::daemon
