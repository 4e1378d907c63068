// Which alerts a cursor hands on where the monitor's epoch changes, and comes back.
#include "client/alert_cursor.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace heartbeat::client {
namespace {

using Event = AlertCursor::Event;
using Seqs = std::vector<std::uint64_t>;

struct Told {
  int back = 0;
  bool restarted = false;
  bool resumed = false;
  std::uint64_t lost = 0;
  Seqs seqs;
};

// A cursor, and a monitor of which it asks pages for as long as it is behind.
class Following {
 public:
  Following() { cursor.begin(now_); }

  // What a page of alerts `first` to `last` of this epoch tells, and those asked for after it.
  Told asks(const std::string& epoch, std::uint64_t last, std::uint64_t first = 1) {
    now_ += Duration{1'000};
    Beat beat;
    beat.epoch = epoch;
    beat.alert_seq = last;
    cursor.take_beat(beat, now_);
    now_ += Duration{100};  // so long it waits for what the beat may have overtaken
    cursor.look_at_clock(now_);
    int pages = 0;
    for (; cursor.behind() && pages < 10; ++pages) {
      const AlertsRequest request = cursor.request();
      cursor.asked();
      cursor.take_page(page(epoch, first, last, request), now_);
    }
    CHECK(pages < 10);
    Told told;
    while (const auto notice = cursor.fetch()) {
      if (notice->event == Event::alert) {
        CHECK(notice->alert.epoch == epoch);
        told.seqs.push_back(notice->alert.seq);
      } else if (notice->event == Event::back) {
        ++told.back;
        told.restarted = notice->restarted;
        told.resumed = notice->resumed;
      } else {
        told.lost += notice->lost;
      }
    }
    return told;
  }

  AlertCursor cursor;

 private:
  static constexpr std::uint64_t page_max = 3;

  static AlertsReply page(const std::string& epoch, std::uint64_t first, std::uint64_t last,
                          const AlertsRequest& request) {
    AlertsReply reply;
    reply.epoch = epoch;
    reply.first_seq = first;
    reply.last_seq = last;
    std::uint64_t seq = request.epoch.value_or(epoch) == epoch ? request.since_seq + 1 : first;
    for (seq = std::max(seq, first); seq <= last && reply.alerts.size() < page_max; ++seq) {
      Alert alert;
      alert.epoch = epoch;
      alert.seq = seq;
      reply.alerts.push_back(std::move(alert));
    }
    return reply;
  }

  AlertCursor::Time now_;
};

Following following_after(std::uint64_t seq, const std::string& epoch) {
  Following following;
  following.cursor.begin_after(seq, epoch);
  return following;
}

}  // namespace

TEST_CASE("an epoch never seen is followed from its first alert") {
  Following following = following_after(0, "");
  CHECK(following.asks("a", 2).seqs == Seqs{1, 2});
  const Told told = following.asks("b", 2);
  CHECK(told.back == 1);
  CHECK(told.restarted);
  CHECK_FALSE(told.resumed);
  CHECK(told.seqs == Seqs{1, 2});
}

TEST_CASE("an epoch that comes back goes on after the last alert handed on of it") {
  Following following = following_after(0, "");
  CHECK(following.asks("a", 8).seqs.size() == 8);
  CHECK(following.asks("b", 2).seqs == Seqs{1, 2});
  const Told told = following.asks("a", 10);
  CHECK(told.back == 1);
  CHECK(told.restarted);
  CHECK(told.resumed);
  CHECK(told.seqs == Seqs{9, 10});
  CHECK(following.asks("a", 11).seqs == Seqs{11});
}

TEST_CASE("an epoch that comes back with nothing new hands on nothing") {
  Following following = following_after(0, "");
  following.asks("a", 8);
  following.asks("b", 0);
  const Told told = following.asks("a", 8);
  CHECK(told.resumed);
  CHECK(told.seqs.empty());
  CHECK(following.asks("a", 9).seqs == Seqs{9});
}

TEST_CASE("of an epoch that comes back, only what was not handed on can be lost") {
  Following following = following_after(0, "");
  following.asks("a", 4);
  following.asks("b", 1);
  const Told told = following.asks("a", 9, 7);
  CHECK(told.lost == 2);
  CHECK(told.seqs == Seqs{7, 8, 9});
}

TEST_CASE("a beginning that was given is gone on from, also where another epoch comes first") {
  Following following = following_after(5, "a");
  CHECK(following.asks("b", 1).seqs == Seqs{1});
  CHECK(following.asks("a", 7).seqs == Seqs{6, 7});
}

TEST_CASE("a beginning that its epoch has not reached counts as its last alert's, also later") {
  Following following = following_after(99, "a");
  CHECK(following.asks("b", 1).seqs == Seqs{1});
  CHECK(following.asks("a", 7).seqs.empty());
  CHECK(following.asks("a", 8).seqs == Seqs{8});
}

TEST_CASE("a few epochs are remembered, the last ones") {
  Following following = following_after(0, "");
  following.asks("a", 1);
  following.asks("b", 1);
  for (int i = 0; i < 7; ++i) {
    following.asks("other" + std::to_string(i), 1);
  }
  CHECK(following.asks("b", 2).seqs == Seqs{2});
  const Told told = following.asks("a", 2);
  CHECK(told.restarted);
  CHECK_FALSE(told.resumed);
  CHECK(told.seqs == Seqs{1, 2});
}

}  // namespace heartbeat::client
