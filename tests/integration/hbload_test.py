"""hbload says of a real monitor what the monitor itself counted."""

import json
import os
import signal
import subprocess
import time
import unittest

from events import HOUR
from monitor import Monitor
from program import BIN_DIR, LIMIT, STOP_LIMIT, Silence, clean_environment

HBLOAD = os.path.join(BIN_DIR, "hbload")


def environment(monitor):
    return clean_environment(HB_EVENTS=monitor.events, HB_ALERTS=monitor.alerts,
                             HB_STATUS=monitor.status)


def hbload(monitor, *arguments):
    return subprocess.run([HBLOAD, *map(str, arguments)], env=environment(monitor),
                          capture_output=True, text=True, timeout=6 * LIMIT)


class Loaded(unittest.TestCase):
    def report(self, monitor, *arguments, code=0):
        """The one object that --json prints."""
        done = hbload(monitor, *arguments, "--json")
        self.assertEqual(done.returncode, code, done)
        self.assertEqual(done.stderr, "")  # no bar where nobody looks on
        self.assertEqual(len(done.stdout.splitlines()), 1, done.stdout)
        return json.loads(done.stdout)

    def unchanged_after(self, monitor, *arguments, code):
        done = hbload(monitor, *arguments)
        self.assertEqual(done.returncode, code, done)
        self.assertEqual(monitor.counters()["messages_received_total"], 0)
        return done


class Throughput(Loaded):
    def test_counts_what_the_monitor_counts(self):
        with Monitor() as monitor:
            report = self.report(monitor, "throughput", "--agents", 2_500, "--count", 10_000,
                                 "--receiver", monitor.process.pid)
            counters = monitor.counters()
            self.assertEqual(counters["events_received_total"], 12_500)
            self.assertEqual(counters["events_folded_total"], 12_500)
            self.assertEqual(counters["messages_received_total"], 3 + 10_000)
            self.assertEqual((counters["runs_in_flight"], counters["runs_started_total"]),
                             (2_500, 2_500))
            self.assertEqual(counters["sources"], 1)
        self.assertIs(report["success"], True)
        self.assertEqual((report["events"], report["messages"]), (10_000, 10_000))
        self.assertEqual((report["events_lost_total"], report["events_rejected_total"]), (0, 0))
        self.assertAlmostEqual(report["events_per_s"] * report["wall_s"], 10_000, delta=1)
        self.assertGreater(report["receiver_cpu_ns_per_event"], 0)

    def test_runs_carry_ids_of_14_bytes_and_a_task(self):
        with Monitor() as monitor:
            self.report(monitor, "throughput", "--agents", 3, "--count", 0)
            runs = monitor.ask("agents")["agents"]
            self.assertEqual(sorted((run["agent_id"], run["task_id"]) for run in runs),
                             [(f"agent-0000000{i}", f"task-0000000{i}") for i in range(3)])

    def test_batches_processes_and_a_mix(self):
        with Monitor() as monitor:
            report = self.report(monitor, "throughput", "--agents", 1_000, "--count", 6_400,
                                 "--batch", 64, "--processes", 4, "--mix", "idle=1,promise=1")
            self.assertEqual((report["events"], report["messages"]), (6_400, 100))
            counters = monitor.counters()
            self.assertEqual(counters["sources"], 4)
            self.assertEqual(counters["events_folded_total"], 7_400)
            self.assertTrue(0 < counters["runs_idle"] < 1_000, counters["runs_idle"])

    def test_a_source_for_each_agent(self):
        with Monitor() as monitor:
            report = self.report(monitor, "throughput", "--agents", 500, "--count", 5_000,
                                 "--source-per-agent")
            self.assertEqual(report["events_lost_total"], 0)
            self.assertEqual(monitor.counters()["sources"], 500)

    def test_a_rate_is_kept(self):
        with Monitor() as monitor:
            report = self.report(monitor, "throughput", "--rate", 2_000, "--count", 2_000,
                                 "--processes", 2)
            self.assertLess(report["events_per_s"], 2_100)

    def test_what_the_monitor_refuses_is_said(self):
        with Monitor(runs_max=10) as monitor:
            report = self.report(monitor, "throughput", "--agents", 30, "--count", 0, code=1)
            self.assertIs(report["success"], False)
            self.assertEqual(report["events_rejected_total"], 20)

    def test_text_for_people(self):
        with Monitor() as monitor:
            done = hbload(monitor, "throughput", "--agents", 1_200, "--count", 1_000)
            self.assertEqual(done.returncode, 0, done)
            self.assertIn("1,200 runs registered in ", done.stdout)
            self.assertIn("1,000 events in 1,000 messages read in ", done.stdout)
            self.assertIn("lost 0, rejected 0, duplicate 0, zombie 0", done.stdout)


class Latency(Loaded):
    def test_each_silence_is_heard_of_while_a_load_runs(self):
        with Monitor(timeout_threshold_ms=HOUR) as monitor:
            report = self.report(monitor, "latency", "--agents", 1_000, "--rate", 2_000,
                                 "--silent", 300, "--over", 1)
            counters = monitor.counters()
            self.assertEqual(counters['alerts_published_total{kind="stale"}'], 300)
            self.assertGreater(counters["events_received_total"], 1_000 + 300 + 1_000)
        self.assertEqual((report["silent"], report["missing"], report["overloaded"]), (300, 0, 0))
        self.assertAlmostEqual(report["deadlines_within_ms"], 1_000, delta=500)
        self.assertTrue(0 < report["p50_ms"] <= report["p99_ms"] <= report["p999_ms"]
                        <= report["max_ms"], report)
        self.assertEqual(report["events_lost_total"], 0)

    def test_all_due_at_once(self):
        with Monitor(timeout_threshold_ms=HOUR) as monitor:
            report = self.report(monitor, "latency", "--agents", 10, "--silent", 5_000,
                                 "--over", 0)
            self.assertEqual(monitor.counters()["runs_stale"], 5_000)
        self.assertEqual((report["silent"], report["missing"]), (5_000, 0))
        self.assertLess(report["deadlines_within_ms"], 2)
        self.assertLess(abs(report["due_at"] - time.time() * 1_000), 1_000 * LIMIT)

    def test_an_alert_that_never_comes_is_missing(self):
        # A monitor that adopts and registers no more runs than there are raises nothing for others.
        with Monitor(runs_max=10, timeout_threshold_ms=HOUR) as monitor:
            report = self.report(monitor, "latency", "--agents", 9, "--silent", 3, "--over", 0,
                                 code=1)
            self.assertEqual((report["missing"], report["events_rejected_total"]), (2, 2))

    def test_delays_as_text_for_people(self):
        with Monitor() as monitor:
            done = hbload(monitor, "latency", "--silent", 20, "--over", 0)
            self.assertEqual(done.returncode, 0, done)
            self.assertIn("20 alerts, 1,000 runs beside them, ", done.stdout)
            self.assertIn("after the deadline: p50 ", done.stdout)


class Usage(Loaded):
    def test_wrong_usage_is_told_and_changes_nothing(self):
        with Monitor() as monitor:
            for wrong in (["throughput", "--agents", "0"],
                          ["throughput", "--agents", "many"],
                          ["throughput", "--batch", "1025"],
                          ["throughput", "--rate", "-1"],
                          ["throughput", "--mix", "activity"],
                          ["throughput", "--mix", "activity=1,activity=2"],
                          ["throughput", "--mix", "dance=1"],
                          ["throughput", "--count", "5", "--seconds", "1"],
                          ["throughput", "--agents", "2", "--processes", "3"],
                          ["throughput", "--receiver", str(2**22 + 1)],
                          ["throughput", "--events", "tcp://nowhere"],
                          ["latency", "--silent", "0"],
                          ["latency", "--over", "-1"],
                          ["dance"],
                          []):
                with self.subTest(wrong):
                    done = self.unchanged_after(monitor, *wrong, code=2)
                    self.assertNotEqual(done.stderr, "")

    def test_no_receiver(self):
        with Monitor() as monitor:
            done = self.unchanged_after(monitor, "throughput", "--status", "ipc:///tmp/hb-nobody",
                                        code=3)
            self.assertIn("ipc:///tmp/hb-nobody", done.stderr)

    def test_ctrl_c_ends_a_load_at_once(self):
        self.ended_at_once("throughput", "--seconds", "600")

    def test_ctrl_c_ends_a_wait_for_alerts_at_once(self):
        self.ended_at_once("latency", "--over", "600", "--rate", "20000")

    def ended_at_once(self, *arguments):
        with Monitor() as monitor:
            process = subprocess.Popen([HBLOAD, *arguments], env=environment(monitor),
                                       stdout=subprocess.PIPE, text=True)
            try:
                deadline = time.monotonic() + LIMIT
                while monitor.counters()["events_received_total"] < 5_000:
                    if time.monotonic() > deadline:
                        raise Silence("no load came")
                process.send_signal(signal.SIGINT)
                output, _ = process.communicate(timeout=STOP_LIMIT)
            finally:
                process.kill()
                process.wait()
            self.assertEqual((process.returncode, output), (130, ""))


if __name__ == "__main__":
    unittest.main()
