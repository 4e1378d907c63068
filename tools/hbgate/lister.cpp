#include "lister.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <string_view>
#include <unordered_set>
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

template <class Reply>
Answer<std::shared_ptr<const Listing>> failure_of(const Answer<Reply>& answer) {
  if (const auto* error = std::get_if<Error>(&answer)) {
    return *error;
  }
  return std::get<Unreachable>(answer);
}

using Name = std::pair<std::string_view, std::string_view>;

Name name_of(const RunRow& run) { return {run.agent_id, run.run_id}; }

struct NameHash {
  std::size_t operator()(const Name& name) const {
    const std::hash<std::string_view> hash;
    return hash(name.first) * 31 + hash(name.second);
  }
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
  std::vector<RunRow>& rows = listing->rows;
  AgentsRequest request;
  // Small pages, so that an alert never waits for a large one to be made.
  request.limit = limit_default;
  if (auto failure = read_pages(request, Listing::rows_max, rows)) {
    return *std::move(failure);
  }
  listing->truncated = request.after.has_value();
  if (listing->truncated) {
    // To read all would take a large fleet's listing many seconds; whom people look for would be as
    // old. A cursor is a place among all runs, so that it goes on from there with the stale ones.
    request.status = "stale";
    if (auto failure = read_pages(request, 2 * Listing::rows_max, rows)) {
      return *std::move(failure);
    }
    if (auto failure = add_most_urgent(rows)) {
      return *std::move(failure);
    }
  }
  std::sort(rows.begin(), rows.end(), telling::more_urgent);
  if (listing->truncated && rows.size() > Listing::rows_max) {
    rows.resize(Listing::rows_max);
  }
  return std::shared_ptr<const Listing>(std::move(listing));
}

std::optional<Lister::Read> Lister::read_pages(AgentsRequest& request, std::size_t rows_max,
                                               std::vector<RunRow>& rows) {
  do {
    auto answer = client_.ask(request);
    auto* page = std::get_if<AgentsReply>(&answer);
    if (page == nullptr) {
      return failure_of(answer);
    }
    std::move(page->agents.begin(), page->agents.end(), std::back_inserter(rows));
    request.after = std::move(page->next);
  } while (request.after && rows.size() < rows_max);
  return std::nullopt;
}

std::optional<Lister::Read> Lister::add_most_urgent(std::vector<RunRow>& rows) {
  auto answer = client_.ask(StatusRequest{});
  auto* reply = std::get_if<StatusReply>(&answer);
  if (reply == nullptr) {
    return failure_of(answer);
  }
  std::vector<RunRow>& urgent = reply->in_flight_agents;
  std::unordered_set<Name, NameHash> names;
  for (const RunRow& run : urgent) {
    names.insert(name_of(run));
  }
  std::erase_if(rows, [&](const RunRow& run) { return names.contains(name_of(run)); });
  std::move(urgent.begin(), urgent.end(), std::back_inserter(rows));
  return std::nullopt;
}

}  // namespace heartbeat::hbgate
