#include "metrics.hpp"
#include "support/catch.hpp"

namespace heartbeat::hbgate {
namespace {

std::string text_of(const CounterList& counters) {
  return metrics_text(MonitorCounters{"9.8.7", counters}, OwnCounters{});
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("counters come under Prometheus's names and in its units") {
  const std::string text = text_of({
      {"events_rejected_total{reason=\"malformed\"}", 3},
      {"ingest_lag_ms", 1'500},
      {"process_cpu_ms_total", 2'250},
      {"runs_by_type{agent_type=\"a \\\"b\\\" {c}\",status=\"idle\"}", 4},
  });
  CHECK(has_line(text, "heartbeat_up 1"));
  CHECK(has_line(text, "heartbeat_build_info{version=\"9.8.7\"} 1"));
  CHECK(has_line(text, "# TYPE heartbeat_events_rejected_total counter"));
  CHECK(has_line(text, "heartbeat_events_rejected_total{reason=\"malformed\"} 3"));
  CHECK(has_line(text, "heartbeat_ingest_lag_seconds 1.5"));
  CHECK(has_line(text, "heartbeat_process_cpu_seconds_total 2.25"));
  CHECK(has_line(text, "heartbeat_runs{agent_type=\"a \\\"b\\\" {c}\",status=\"idle\"} 4"));
}

TEST_CASE("a histogram's bounds and sum are scaled, its counts are not") {
  const std::string text = text_of({
      {"run_duration_ms_bucket{agent_type=\"le=\\\"5\\\"\",le=\"1500\"}", 2},
      {"run_duration_ms_bucket{agent_type=\"x\",le=\"+Inf\"}", 3},
      {"run_duration_ms_sum{agent_type=\"x\"}", 2'500},
      {"run_duration_ms_count{agent_type=\"x\"}", 3},
      {"turn_us_bucket{le=\"50\"}", 7},
  });
  CHECK(has_line(text, "# TYPE heartbeat_run_duration_seconds histogram"));
  CHECK(has_line(
      text, "heartbeat_run_duration_seconds_bucket{agent_type=\"le=\\\"5\\\"\",le=\"1.5\"} 2"));
  CHECK(has_line(text, "heartbeat_run_duration_seconds_bucket{agent_type=\"x\",le=\"+Inf\"} 3"));
  CHECK(has_line(text, "heartbeat_run_duration_seconds_sum{agent_type=\"x\"} 2.5"));
  CHECK(has_line(text, "heartbeat_run_duration_seconds_count{agent_type=\"x\"} 3"));
  CHECK(has_line(text, "heartbeat_turn_seconds_bucket{le=\"5e-05\"} 7"));
}

TEST_CASE("each family has one head, and one that the monitor does not tell has none") {
  const std::string text = text_of({{"alerts_published_total{kind=\"stale\"}", 1},
                                    {"runs_idle", 2},
                                    {"alerts_published_total{kind=\"timeout\"}", 3}});
  const std::string head = "# TYPE heartbeat_alerts_published_total counter\n";
  CHECK(text.find(head) == text.rfind(head));
  CHECK(text.find("heartbeat_alerts_published_total{kind=\"stale\"} 1\n"
                  "heartbeat_alerts_published_total{kind=\"timeout\"} 3\n") != std::string::npos);
  CHECK(text.find("heartbeat_storm") == std::string::npos);
}

TEST_CASE("a monitor that does not answer is down, and nothing is said in its name") {
  const std::string text = metrics_text(std::nullopt, OwnCounters{});
  CHECK(has_line(text, "heartbeat_up 0"));
  CHECK(text.find("heartbeat_runs") == std::string::npos);
  CHECK(text.find("process_open_fds ") != std::string::npos);
}

}  // namespace heartbeat::hbgate
