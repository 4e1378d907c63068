"""What the monitor counts by type, outcome and length, and of itself, as metrics have it."""

import json
import os
import pathlib
import re
import tempfile
import time
import unittest

from events import HOUR, idle, register, told, unregister
from monitor import Monitor, alert_of, next_alert, next_message
from program import LIMIT

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
ESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def labelled(counters, name):
    """The values of a counter by its labels' values, as they were before they were escaped."""
    found = {}
    for whole, value in counters.items():
        if whole.startswith(name + "{"):
            key = tuple(re.sub(r"\\.", lambda each: ESCAPED[each[0]], text)
                        for _, text in LABEL.findall(whole))
            assert key not in found, key
            found[key] = value
    return found


def by_label(counters, name):
    return {label: value for (label,), value in labelled(counters, name).items()}


def histogram(counters, name, *labels):
    """Buckets by bound, each with all that is not above it; the sum; the count."""
    buckets = {bound: value for (*others, bound), value
               in labelled(counters, name + "_bucket").items() if tuple(others) == labels}
    if labels:
        return (buckets, labelled(counters, name + "_sum")[labels],
                labelled(counters, name + "_count")[labels])
    return buckets, counters[name + "_sum"], counters[name + "_count"]


def until(monitor, holds):
    """The counters once they are so."""
    deadline = time.monotonic() + LIMIT
    while True:
        counters = monitor.counters()
        if holds(counters):
            return counters
        assert time.monotonic() < deadline, "it did not become so"


class Counters(unittest.TestCase):
    def check_histogram(self, buckets, total, count):
        bounds = [float(bound) for bound in buckets]
        self.assertEqual(bounds, sorted(set(bounds)))
        self.assertEqual(bounds[-1], float("inf"))
        self.assertEqual(list(buckets.values()), sorted(buckets.values()))
        self.assertEqual(buckets["+Inf"], count)
        # As little and as much as the buckets allow.
        least, most, below, before = 0, 0, 0, 0
        for bound, (_, value) in zip(bounds, buckets.items()):
            least += (value - before) * below
            most += (value - before) * bound if value > before else 0
            below, before = bound, value
        self.assertLessEqual(least, total)
        self.assertLessEqual(total, most)

    def test_runs_in_flight_are_counted_by_type_and_status(self):
        with Monitor(stale_threshold_ms=HOUR) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            told(monitor, agent, register("a", agent_type="coder"), register("b", agent_type="coder"),
                 idle("c", agent_type="writer"), register("d"), idle("b"),
                 register("e", agent_type="coder", stale_after_ms=50))
            next_alert(alerts)
            counters = monitor.counters()
            self.assertEqual(labelled(counters, "runs_by_type"), {
                ("coder", "running"): 2, ("coder", "idle"): 1, ("writer", "running"): 0,
                ("writer", "idle"): 1, ("none", "running"): 1, ("none", "idle"): 0})
            self.assertEqual(by_label(counters, "stale_runs_by_type"),
                             {"coder": 1, "writer": 0, "none": 0})
            told(monitor, agent, idle("e", agent_type="writer"), register("a", agent_type="writer"),
                 unregister("b"))
            counters = monitor.counters()
            self.assertEqual(labelled(counters, "runs_by_type"), {
                ("coder", "running"): 0, ("coder", "idle"): 0, ("writer", "running"): 1,
                ("writer", "idle"): 2, ("none", "running"): 1, ("none", "idle"): 0})
            self.assertEqual(by_label(counters, "stale_runs_by_type"),
                             {"coder": 0, "writer": 1, "none": 0})

    def test_runs_that_ended_are_counted_by_outcome_and_by_how_long_they_ran(self):
        with Monitor() as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            for name, minutes in {"a": 0, "b": 3, "c": 3, "d": 25}.items():
                agent.send(register(name, agent_type="coder", running_for_ms=60_000 * minutes))
            told(monitor, agent, unregister("a", outcome="done"), unregister("b", outcome="done"),
                 unregister("c", outcome="failed"), unregister("d"),
                 register("e", agent_type="writer", timeout_after_ms=1))
            self.assertEqual(alert_of(alerts, "e", "timeout")["agent_type"], "writer")
            counters = monitor.counters()
            self.assertEqual(by_label(counters, "runs_ended_total"),
                             {"done": 2, "failed": 1, "none": 1, "timeout": 1})
            buckets, total, count = histogram(counters, "run_duration_ms", "coder")
            self.check_histogram(buckets, total, count)
            self.assertEqual({bound: buckets[bound] for bound in
                              ("1000", "120000", "300000", "1200000", "1800000", "+Inf")},
                             {"1000": 1, "120000": 1, "300000": 3, "1200000": 3, "1800000": 4,
                              "+Inf": 4})
            self.assertLess(abs(total - 31 * 60_000), 60_000)
            self.check_histogram(*histogram(counters, "run_duration_ms", "writer"))
            self.assertEqual(histogram(counters, "run_duration_ms", "writer")[2], 1)

    def test_of_sixty_types_the_largest_fifty_have_labels_and_the_rest_is_other(self):
        kinds = range(1, 61)
        with Monitor(stale_threshold_ms=HOUR) as monitor:
            agent = monitor.publisher()
            for kind in kinds:
                agent.send([register(f"{kind}-{number}", agent_type=f"type {kind}")
                            for number in range(kind)])
            monitor.settled(agent)
            largest = {f"type {kind}" for kind in kinds if kind > 10} | {"other"}
            counters = until(monitor, lambda counters: by_label(
                counters, "stale_runs_by_type").keys() == largest)
            running = {kind: value for (kind, status), value
                       in labelled(counters, "runs_by_type").items() if status == "running"}
            self.assertEqual(running, {f"type {kind}": kind for kind in kinds if kind > 10} |
                             {"other": sum(range(1, 11))})
            agent.send([unregister(f"{kind}-0", outcome=f"outcome {kind}") for kind in kinds])
            monitor.settled(agent)
            counters = monitor.counters()
            self.assertEqual(sum(labelled(counters, "runs_by_type").values()), sum(kinds) - 60)
            counts = by_label(counters, "run_duration_ms_count")
            self.assertEqual((sum(counts.values()), counts["other"]), (60, 10))
            outcomes = by_label(counters, "runs_ended_total")
            self.assertEqual((len(outcomes), sum(outcomes.values()), outcomes["other"]), (51, 60, 10))

    def test_labels_are_escaped_and_names_are_as_the_schema_says(self):
        schema = json.loads((SCHEMAS / "reply-counters.schema.json").read_text())
        name = re.compile(schema["properties"]["counters"]["propertyNames"]["pattern"])
        hostile = ['"', "\\", '\\"', 'x",status="idle', "a}b{c=,", "走 ", '\\n', "+Inf"]
        with Monitor() as monitor:
            agent = monitor.publisher()
            told(monitor, agent, *[register(f"a{number}", agent_type=kind)
                                   for number, kind in enumerate(hostile)],
                 *[unregister(f"a{number}", outcome=kind) for number, kind in enumerate(hostile)])
            counters = monitor.counters()
            for each in counters:
                self.assertRegex(each, name)
            self.assertIn('runs_by_type{agent_type="\\\\\\"",status="running"}', counters)
            self.assertEqual(by_label(counters, "runs_ended_total"), dict.fromkeys(hostile, 1))
            self.assertEqual(labelled(counters, "runs_by_type"), {
                (kind, status): 0 for kind in hostile for status in ("running", "idle")})

    def test_a_restart_keeps_what_is_in_flight(self):
        with tempfile.TemporaryDirectory(prefix="hb-counters-") as folder:
            state = os.path.join(folder, "state.db")
            with Monitor(state=state) as monitor:
                agent, alerts = monitor.publisher(), monitor.subscribe()
                told(monitor, agent, register("a", agent_type="coder", stale_after_ms=50),
                     idle("b", agent_type="coder"), register("c"), unregister("c"))
                alert_of(alerts, "a", "stale")
                until(monitor, lambda counters: counters["state_lag_ms"] == 0)
            with Monitor(state=state) as monitor:
                counters = monitor.counters()
                self.assertEqual(labelled(counters, "runs_by_type"),
                                 {("coder", "running"): 1, ("coder", "idle"): 1})
                self.assertEqual(by_label(counters, "stale_runs_by_type"), {"coder": 1})
                self.assertEqual(by_label(counters, "runs_ended_total"), {})

    def test_an_alert_tells_how_late_it_was(self):
        with Monitor(stale_threshold_ms=100, check_interval_ms=100,
                     stale_warning_only_once=False) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            self.assertEqual(histogram(monitor.counters(), "detection_delay_ms")[1:], (0, 0))
            told(monitor, agent, register("a", timeout_after_ms=1_000))
            alert_of(alerts, "a", "stale")
            alert_of(alerts, "a", "stale")  # a repeat is no detection
            self.assertEqual(histogram(monitor.counters(), "detection_delay_ms")[2], 1)
            alert_of(alerts, "a", "timeout")
            told(monitor, agent, register("b", running_for_ms=HOUR, timeout_after_ms=1_000))
            alert_of(alerts, "b", "timeout")  # was over before it was heard of
            buckets, total, count = histogram(monitor.counters(), "detection_delay_ms")
            self.check_histogram(buckets, total, count)
            self.assertEqual(count, 2)
            self.assertLess(total, 10_000)

    def test_the_monitor_counts_its_turns_and_knows_its_process(self):
        with Monitor() as monitor:
            beats = monitor.subscribe()
            first = monitor.counters()
            for _ in range(2):
                while next_message(beats)[0] != "monitor.beat":
                    pass
            second = monitor.counters()
            self.check_histogram(*histogram(second, "turn_us"))
            self.assertGreater(second["turn_us_count"], first["turn_us_count"])
            passed_ms = second["uptime_ms"] - first["uptime_ms"]
            self.assertGreater(passed_ms, 900)
            # Nothing happened: it slept.
            self.assertLess(second["turn_us_sum"] - first["turn_us_sum"], 1_000 * passed_ms / 2)
            pid = monitor.process.pid
            # The questions' own connections come and go.
            self.assertAlmostEqual(second["process_open_fds"],
                                   len(os.listdir(f"/proc/{pid}/fd")), delta=3)
            self.assertGreater(second["process_max_fds"], second["process_open_fds"])
            self.assertGreater(second["process_resident_bytes"], 1_000_000)
            self.assertEqual(second["state_lag_ms"], 0)
            until(monitor, lambda counters:
                  counters["process_cpu_ms_total"] > first["process_cpu_ms_total"])


if __name__ == "__main__":
    unittest.main()
