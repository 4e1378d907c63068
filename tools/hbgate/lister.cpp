#include "lister.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "bus/clock.hpp"
#include "telling/run_state.hpp"

namespace heartbeat::hbgate {

namespace {

constexpr std::chrono::milliseconds fresh_for{1'000};
constexpr int busy_share = 10;  // a tenth of the time, at most, is spent on reading

// However it ends, whoever waits for it goes on.
class Reading {
 public:
  Reading(bool& reading, Bell& ended) : reading_(reading), ended_(ended) { reading_ = true; }
  ~Reading() {
    reading_ = false;
    ended_.ring();
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  bool& reading_;
  Bell& ended_;
};

}  // namespace

Lister::Lister(std::string endpoint, Duration timeout, int stop_fd)
    : client_(std::move(endpoint), timeout, 1, stop_fd) {}

boost::asio::awaitable<Answer<std::shared_ptr<const Listing>>> Lister::listing() {
  while (reading_) {
    co_await read_one_.wait();
  }
  if (!last_ || Clock::now() >= fresh_until_) {
    const Reading reading(reading_, read_one_);
    const auto began = Clock::now();
    last_ = co_await workers_.run([this] { return read(); });
    const auto now = Clock::now();
    const bool read = std::holds_alternative<std::shared_ptr<const Listing>>(*last_);
    fresh_until_ = now + (read ? std::max<Clock::duration>(fresh_for, busy_share * (now - began))
                               : Clock::duration(fresh_for));
  }
  co_return *last_;
}

Lister::Read Lister::read() {
  auto listing = std::make_shared<Listing>();
  listing->listed_at = bus::wall_now();
  AgentsRequest request;
  // Small pages, so that an alert never waits for a large one to be made.
  request.limit = limit_default;
  do {
    auto answer = client_.ask(request);
    auto* page = std::get_if<AgentsReply>(&answer);
    if (page == nullptr) {
      const auto* error = std::get_if<Error>(&answer);
      return error != nullptr ? Read{*error} : Read{std::get<Unreachable>(answer)};
    }
    std::move(page->agents.begin(), page->agents.end(), std::back_inserter(listing->rows));
    request.after = std::move(page->next);
  } while (request.after && listing->rows.size() < Listing::rows_max);
  listing->truncated = request.after.has_value();
  std::sort(listing->rows.begin(), listing->rows.end(), telling::more_urgent);
  return std::shared_ptr<const Listing>(std::move(listing));
}

}  // namespace heartbeat::hbgate
