#include "alert_ring.hpp"
#include "sse.hpp"
#include "support/catch.hpp"
#include "telling/json.hpp"

namespace heartbeat::hbgate {
namespace {

Alert alert(const std::string& epoch, std::uint64_t seq, const std::string& agent_id = "a",
            const std::string& run_id = "") {
  Alert made;
  made.epoch = epoch;
  made.seq = seq;
  made.agent_id = agent_id;
  made.run_id = run_id;
  return made;
}

AlertRing ring_of(const std::vector<Alert>& alerts) {
  AlertRing ring;
  for (const Alert& each : alerts) {
    ring.add({each, alert_text(each)});
  }
  return ring;
}

}  // namespace

TEST_CASE("an alert goes out as one event with its place as id") {
  Alert made = alert("e1", 7, "line\u2028break <b>");
  made.message = "quote \" and \xff";
  const std::string text = alert_text(made);
  CHECK(text.starts_with("event: alert\nid: e1/7\ndata: {\"epoch\":\"e1\",\"seq\":7,"));
  CHECK(text.ends_with("}\n\n"));
  const auto data = text.substr(text.find("data: ") + 6);
  CHECK(data.find('\n') == data.size() - 2);
  CHECK(telling::Json::parse(data)["agent_id"] == made.agent_id);
  CHECK(lost_text(3) == "event: lost\ndata: {\"lost\":3}\n\n");
  CHECK(restarted_text("e2") == "event: restarted\ndata: {\"epoch\":\"e2\"}\n\n");
}

TEST_CASE("an event's id names the place again, and nothing else does") {
  const auto place = parse_place("e1/7");
  REQUIRE(place);
  CHECK(place->epoch == "e1");
  CHECK(place->seq == 7);
  for (const char* id : {"", "e1", "e1/", "/7", "e1/x", "e1/-1", "e1/7 ", "e1/99999999999999999999",
                         "e1/18446744073709551615"}) {
    INFO(id);
    CHECK_FALSE(parse_place(id));
  }
}

TEST_CASE("a stream goes on behind its place where the ring still has what follows") {
  const AlertRing ring = ring_of({alert("e1", 4), alert("e1", 5), alert("e2", 1), alert("e2", 2)});
  CHECK(ring.after({"e1", 3}) == 0U);
  CHECK(ring.after({"e1", 4}) == 1U);
  CHECK(ring.after({"e1", 5}) == 2U);
  CHECK(ring.after({"e2", 0}) == 2U);
  CHECK(ring.after({"e2", 2}) == 4U);
  CHECK_FALSE(ring.after({"e1", 2}));  // 3 is not here
  CHECK_FALSE(ring.after({"e2", 3}));  // not raised yet, as far as is known here
  CHECK_FALSE(ring.after({"e0", 1}));
  CHECK_FALSE(AlertRing{}.after({"e1", 1}));
  const AlertRing back = ring_of({alert("e1", 4), alert("e2", 1), alert("e1", 5)});
  CHECK(back.after({"e1", 4}) == 1U);
}

TEST_CASE("the ring keeps the last alerts under the numbers that they had") {
  AlertRing ring;
  const std::uint64_t extra = 10;
  for (std::uint64_t seq = 1; seq <= AlertRing::entries_max + extra; ++seq) {
    ring.add({alert("e", seq), ""});
  }
  CHECK(ring.begin() == extra);
  CHECK(ring.end() == AlertRing::entries_max + extra);
  CHECK(ring.at(ring.begin()).alert->seq == extra + 1);
  CHECK(ring.after({"e", extra}) == ring.begin());
  CHECK_FALSE(ring.after({"e", extra - 1}));
}

TEST_CASE("news begin behind what the monitor had when following began") {
  AlertRing ring;
  CHECK_FALSE(ring.news_after());
  ring.set_news_after({"e", 3});
  CHECK(ring.news_after()->seq == 3);
  ring.add({alert("e", 2), ""});
  CHECK(ring.news_after()->seq == 3);
  ring.add({alert("e", 3), ""});
  ring.add({alert("e", 4), ""});
  CHECK(ring.news_after()->seq == 4);
  ring.add({std::nullopt, lost_text(1)});
  ring.add({alert("f", 1), ""});
  CHECK(ring.news_after()->epoch == "f");
}

TEST_CASE("the last alert of each epoch before a number is found") {
  AlertRing ring = ring_of({alert("e1", 4), alert("e1", 5), alert("e2", 1), alert("e1", 6)});
  ring.add({std::nullopt, lost_text(1)});
  CHECK_FALSE(ring.last_before(0).of("e1"));
  CHECK(ring.last_before(1).of("e1") == 4U);
  CHECK(ring.last_before(3).of("e1") == 5U);
  CHECK(ring.last_before(3).of("e2") == 1U);
  CHECK(ring.last_before(ring.end()).of("e1") == 6U);
  CHECK(ring.last_before(ring.end()).of("e2") == 1U);
}

TEST_CASE("an agent's last alerts are found, of one run or of all") {
  const AlertRing ring = ring_of({alert("e", 1, "a", "r1"), alert("e", 2, "b"),
                                  alert("e", 3, "a", "r2"), alert("e", 4, "a", "r1")});
  const auto seqs = [&](const std::optional<std::string>& run_id, std::size_t max) {
    std::vector<std::uint64_t> out;
    for (const Alert& each : ring.of_agent("a", run_id, max)) {
      out.push_back(each.seq);
    }
    return out;
  };
  CHECK(seqs(std::nullopt, 10) == std::vector<std::uint64_t>{1, 3, 4});
  CHECK(seqs("r1", 10) == std::vector<std::uint64_t>{1, 4});
  CHECK(seqs(std::nullopt, 2) == std::vector<std::uint64_t>{3, 4});
  CHECK(seqs("r3", 10).empty());
}

}  // namespace heartbeat::hbgate
