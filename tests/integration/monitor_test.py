"""hbmond as its operator sees it: start, stop, configuration, log."""

import fcntl
import json
import os
import re
import signal
import subprocess
import tempfile
import unittest

from events import HOUR, activity, register, told
from monitor import HBMOND, Monitor, next_alert
from program import LIMIT, clean_environment, flags


def refusal(*arguments, **environment):
    """Runs an hbmond that must not start; its exit code and what it said."""
    done = subprocess.run([HBMOND, *arguments], env=clean_environment(**environment),
                          capture_output=True, text=True, timeout=LIMIT, check=False)
    return done.returncode, done.stderr


class Life(unittest.TestCase):
    def test_sigterm_ends_it_cleanly(self):
        self.ends_on(signal.SIGTERM)

    def test_sigint_ends_it_cleanly(self):
        self.ends_on(signal.SIGINT)

    def ends_on(self, signal_number):
        monitor = Monitor()
        try:
            monitor.start()
            agent = monitor.publisher()
            told(monitor, agent, *[register(f"a{i}") for i in range(50)])
            monitor.stop(signal_number)
            log = monitor.log()
            self.assertIn("HeartbeatMonitor: started (check interval: 30000ms)", log)
            for endpoint in (monitor.events, monitor.alerts, monitor.status):
                self.assertIn(endpoint, log)
            self.assertIn("HeartbeatMonitor: stopped", log)
        finally:
            monitor.discard()

    def test_wildcard_ports_are_in_the_log(self):
        anywhere = "tcp://127.0.0.1:*"
        with Monitor(events=anywhere, alerts=anywhere, status=anywhere) as monitor:
            agent = monitor.publisher()
            told(monitor, agent, register("dev"))
            self.assertEqual(len(monitor.ask("agents")["agents"]), 1)
            monitor.subscribe().close()
            self.assertEqual(len({monitor.events, monitor.alerts, monitor.status}), 3)

    def test_localhost_is_127_0_0_1(self):
        anywhere = "tcp://localhost:*"
        with Monitor(events=anywhere, alerts=anywhere, status=anywhere) as monitor:
            self.assertRegex(monitor.status, r"^tcp://127\.0\.0\.1:\d+$")

    def test_each_alert_is_a_line_in_the_log_and_no_event_is(self):
        with Monitor(stale_threshold_ms=100) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            told(monitor, agent, *[activity("dev", detail="not for the log") for _ in range(20)])
            message = next_alert(alerts)["message"]
            monitor.wait_for_log(re.escape(message))
            self.assertNotIn("not for the log", monitor.log())
            self.assertLess(monitor.log().count("\n"), 15)

    def test_log_format_json_is_one_object_per_line(self):
        with Monitor(log_format="json", stale_threshold_ms=100) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            agent.send(register('quo"te\\'))
            next_alert(alerts)
            monitor.wait_for_log("Stale agent detected")
            lines = [json.loads(line) for line in monitor.log().splitlines()]
            self.assertGreaterEqual(len(lines), 2)

    def test_an_abandoned_ipc_socket_is_replaced(self):
        with Monitor() as first:
            first.process.kill()
            first.process.wait()
            self.assertTrue(os.path.exists(first.status.removeprefix("ipc://")))
            first.start()
            first.ask("ping")

    def test_version_and_help(self):
        for flag, pattern in {"--version": r"\d+\.\d+\.\d+",
                              "--help": "--stale-threshold-ms"}.items():
            done = subprocess.run([HBMOND, flag], capture_output=True, text=True,
                                  timeout=LIMIT, check=False)
            self.assertEqual(done.returncode, 0)
            self.assertRegex(done.stdout, pattern)


class Configuration(unittest.TestCase):
    def config_of(self, monitor):
        return monitor.ask("status")["monitor"]["config"]

    def test_flags_beat_the_environment_beats_the_file(self):
        text = ("stale_threshold_ms = 1001\ntimeout_threshold_ms = 1002\n"
                "check_interval_ms = 1003\nstale_warning_only_once = false\n")
        with Monitor(config_text=text, stale_threshold_ms=3001,
                     environment={"HB_STALE_THRESHOLD_MS": "2001",
                                  "HB_TIMEOUT_THRESHOLD_MS": "2002"}) as monitor:
            self.assertEqual(self.config_of(monitor), {
                "stale_threshold_ms": 3001, "timeout_threshold_ms": 2002,
                "check_interval_ms": 1003, "stale_warning_only_once": False})

    def test_sighup_changes_thresholds_of_runs_in_flight(self):
        with Monitor(config_text=f"stale_threshold_ms = {HOUR}\n") as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            agent.send([register(f"a{i}") for i in range(1_000)])
            monitor.settled(agent)
            monitor.write_config("stale_threshold_ms = 150\n")
            monitor.process.send_signal(signal.SIGHUP)
            heard = [next_alert(alerts) for _ in range(1_001)]
            self.assertEqual([a["kind"] for a in heard].count("storm"), 1)
            stale = [a for a in heard if a["kind"] == "stale"]
            self.assertEqual({a["threshold_ms"] for a in stale}, {150})
            self.assertEqual(len({a["agent_id"] for a in stale}), 1_000)
            self.assertEqual(self.config_of(monitor)["stale_threshold_ms"], 150)

    def test_sighup_with_a_broken_file_changes_nothing_and_says_so(self):
        broken = {"stale_threshold_ms = [": "hbmond.toml",
                  "stale_threshold_ms = 150\ntimeout_treshold_ms = 5\n": "timeout_treshold_ms",
                  "check_interval_ms = 7\nstale_threshold_ms = -3\n": "-3"}
        with Monitor(config_text=f"stale_threshold_ms = {HOUR}\n") as monitor:
            before = self.config_of(monitor)
            for text, word in broken.items():
                with self.subTest(text):
                    monitor.write_config(text)
                    monitor.process.send_signal(signal.SIGHUP)
                    monitor.wait_for_log(re.escape(word))
                    self.assertEqual(self.config_of(monitor), before)

    def test_a_log_that_nobody_reads_does_not_keep_it_from_ending(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, write)
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
        with Monitor(config_text="") as monitor:
            monitor.stop()
            monitor.start(stderr=write)
            for reload in range(1, 200):  # a line each: more than the pipe holds
                monitor.process.send_signal(signal.SIGHUP)
                while monitor.counters()["config_reloads_total"] < reload:
                    monitor.check_running()
            # Leaving stops it, within its time.

    def test_a_configuration_that_is_a_pipe_is_refused(self):
        with Monitor(config_text="") as monitor:
            os.unlink(monitor.config_path)
            os.mkfifo(monitor.config_path)
            monitor.process.send_signal(signal.SIGHUP)
            monitor.wait_for_log("regular")
            self.assertEqual(monitor.counters()["config_reload_failures_total"], 1)

    def test_a_stale_threshold_beyond_the_timeout_is_a_warning(self):
        with Monitor(stale_threshold_ms=300, timeout_threshold_ms=300) as monitor:
            monitor.wait_for_log(r"(?i)warn.*stale.threshold.ms")
            agent, alerts = monitor.publisher(), monitor.subscribe()
            agent.send([register("first"), register("second")])
            self.assertEqual([next_alert(alerts)["kind"] for _ in range(2)], ["timeout"] * 2)
            self.assertEqual(monitor.ask("alerts")["last_seq"], 2)


class Refusals(unittest.TestCase):
    """Exit code 2 and a line that names the option, the value and what was expected."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="hb-")
        self.addCleanup(self.folder.cleanup)
        self.path = self.folder.name

    def refused(self, *arguments, words, endpoints=None, **environment):
        where = {name: f"ipc://{self.path}/{name}" for name in ("events", "alerts", "status")}
        code, said = refusal(*flags({**where, **(endpoints or {})}), *arguments, **environment)
        self.assertEqual(code, 2, said)
        for word in words:
            self.assertIn(word, said)
        self.assertNotIn("HeartbeatMonitor: started", said)

    def config(self, text):
        path = os.path.join(self.path, "hbmond.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return f"--config={path}"

    def test_bad_flags_prevent_the_start(self):
        self.refused("--stale-treshold-ms=5", words=["--stale-treshold-ms"])
        self.refused("--stale-threshold-ms=-5", words=["stale-threshold-ms", "-5"])
        self.refused("--timeout-threshold-ms=0", words=["timeout-threshold-ms", "0"])
        self.refused("--check-interval-ms=soon", words=["check-interval-ms", "soon"])
        self.refused("--runs-max=0", words=["runs-max", "0"])
        self.refused("--alerts-kept=99999999999999999999", words=["alerts-kept"])
        self.refused("--log-format=xml", words=["log-format", "xml", "json"])
        self.refused("--log-level=loud", words=["log-level", "loud"])
        self.refused("stray", words=["stray"])

    def test_bad_environment_prevents_the_start(self):
        self.refused(HB_STALE_THRESHOLD_MS="-1", words=["HB_STALE_THRESHOLD_MS", "-1"])
        self.refused(HB_STALE_REARM="perhaps", words=["HB_STALE_REARM", "perhaps"])

    def test_bad_files_prevent_the_start(self):
        self.refused(self.config("stale_treshold_ms = 5\n"), words=["stale_treshold_ms"])
        self.refused(self.config("stale_threshold_ms = -5\n"),
                     words=["stale-threshold-ms", "-5", "hbmond.toml:1"])
        self.refused(self.config("\nstale_threshold_ms = \"soon\"\n"),
                     words=["stale-threshold-ms", "soon", "hbmond.toml:2"])
        self.refused(self.config("adopt_unknown = 7\n"), words=["adopt-unknown", "7"])
        self.refused(self.config("runs_max = = 1\n"), words=["hbmond.toml"])
        self.refused("--config=/nonexistent/hbmond.toml", words=["/nonexistent/hbmond.toml"])
        self.refused(f"--config={self.path}", words=[self.path])

    def test_unusable_endpoints_prevent_the_start(self):
        for name, endpoint in {"events": "smoke://signals", "alerts": "tcp://127.0.0.1:99999",
                               "status": "ipc:///nonexistent/folder/status"}.items():
            self.refused(endpoints={name: endpoint}, words=[name, endpoint])

    def test_endpoints_for_everyone_need_to_be_asked_for(self):
        for endpoint in ("tcp://0.0.0.0:*", "tcp://*:*"):
            self.refused(endpoints={"events": endpoint}, words=["events", endpoint, "--insecure"])

    def test_endpoints_in_use_prevent_the_start(self):
        anywhere = "tcp://127.0.0.1:*"
        for options in ({}, {"events": anywhere, "alerts": anywhere, "status": anywhere}):
            with self.subTest(options), Monitor(**options) as monitor:
                for name in ("events", "alerts", "status"):
                    taken = getattr(monitor, name)
                    self.refused(endpoints={name: taken}, words=[name, taken])
                agent = monitor.publisher()
                told(monitor, agent, register("dev"))
                monitor.subscribe().close()


if __name__ == "__main__":
    unittest.main()
