// Reads the listing of all runs from the monitor, as seldom as whoever looks at it can bear.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "bell.hpp"
#include "heartbeat/status_client.hpp"
#include "http.hpp"
#include "listing.hpp"
#include "workers.hpp"

namespace heartbeat::hbgate {

class Lister {
 public:
  Lister(std::string endpoint, Duration timeout, int stop_fd);

  // A listing that is about a second old at most, or, of a fleet so large that reading it takes
  // longer than a tenth of a second, ten times what that took. Waits for it.
  boost::asio::awaitable<Answer<std::shared_ptr<const Listing>>> listing();

  // Calls `work`, which may take long, in a thread.
  template <class Work>
  auto run(Work work) {
    return workers_.run(std::move(work));
  }

 private:
  using Clock = std::chrono::steady_clock;
  using Read = Answer<std::shared_ptr<const Listing>>;

  Read read();
  // These add to `rows`; nullopt = they could. Pages come until there are so many rows or no more
  // pages, which then leave `after` empty.
  std::optional<Read> read_pages(AgentsRequest& request, std::size_t rows_max,
                                 std::vector<RunRow>& rows);
  std::optional<Read> add_most_urgent(std::vector<RunRow>& rows);

  StatusClient client_;
  Bell read_one_;
  bool reading_ = false;
  std::optional<Read> last_;
  Clock::time_point fresh_until_;
  Workers workers_{2, 256};  // one for reading, one for whoever sorts
};

}  // namespace heartbeat::hbgate
