"""hbctl run: a command as a run of an agent, and nobody but the monitor notices."""

import os
import signal
import subprocess
import time
import unittest

from hbctl_test import command, endpoints
from monitor import LIMIT, Monitor, Silence, alert_of, clean_environment, next_alert

NO_MONITOR = {"HB_EVENTS": "ipc:///nonexistent/events"}
RUN = command("run", "--agent", "build")


class RunTest(unittest.TestCase):
    def run_command(self, where, *words, options=(), data=b""):
        """What the wrapped command did, as bytes."""
        environment = clean_environment(**(endpoints(where) if where else NO_MONITOR))
        return subprocess.run([*RUN, *options, "--", *words], env=environment, input=data,
                              capture_output=True, timeout=LIMIT, check=False)

    def start(self, monitor, *words, options=()):
        started = subprocess.Popen([*RUN, *options, "--", *words], stdout=subprocess.PIPE,
                                   env=clean_environment(**endpoints(monitor)),
                                   start_new_session=True)

        def end():
            try:
                os.killpg(started.pid, signal.SIGKILL)  # the command too
            except ProcessLookupError:
                pass
            started.communicate()
        self.addCleanup(end)
        return started

    def ended(self, monitor, run_id):
        deadline = time.monotonic() + LIMIT
        while True:
            reply = monitor.request({"cmd": "agent", "agent_id": "build", "run_id": run_id})
            if "ended_by" in reply.get("error", {}):
                return reply["error"]["ended_by"], reply["error"]["outcome"]
            self.assertLess(time.monotonic(), deadline, reply)

    def test_it_registers_beats_and_unregisters(self):
        with Monitor() as monitor:
            wrapped = self.start(monitor, "sleep", "60", options=("--task", "T-1", "--run", "r1"))
            deadline = time.monotonic() + LIMIT
            while True:
                reply = monitor.request({"cmd": "agent", "agent_id": "build"})
                if reply["ok"] and len(reply["runs"][0]["last_events"]) == 2:
                    break  # a register and an activity
                self.assertLess(time.monotonic(), deadline)
            [run] = reply["runs"]
            self.assertEqual((run["run_id"], run["task_id"], run["detail"]), ("r1", "T-1", "sleep"))
            wrapped.terminate()
            wrapped.wait(LIMIT)
            self.assertEqual(self.ended(monitor, "r1"), ("unregister", "failed"))

    def test_each_process_is_a_run_of_its_own(self):
        with Monitor() as monitor:
            first, second = self.start(monitor, "sleep", "60"), self.start(monitor, "sleep", "60")
            deadline = time.monotonic() + LIMIT
            while monitor.counters()["runs_in_flight"] < 2:
                self.assertLess(time.monotonic(), deadline)
            runs = {row["run_id"] for row in monitor.ask("agents")["agents"]}
            self.assertEqual(runs, {f"{os.uname().nodename}:{each.pid}"
                                    for each in (first, second)})

    def test_output_input_and_exit_code_pass_through(self):
        data = bytes(range(256)) * 1_000
        script = "cat; echo to stderr >&2; exit 7"
        for options in ((), ("--beat-on-output",)):
            for there in (True, False):
                with self.subTest(options=options, monitor=there), Monitor() as monitor:
                    done = self.run_command(monitor if there else None, "sh", "-c", script,
                                            options=("--run", "r", *options), data=data)
                    self.assertEqual((done.returncode, done.stdout), (7, data))
                    self.assertTrue(done.stderr.startswith(b"to stderr\n"))
                    self.assertEqual(done.stderr == b"to stderr\n", there)
                    if there:
                        self.assertEqual(self.ended(monitor, "r"), ("unregister", "failed"))

    def test_it_ends_as_the_command_ends(self):
        with Monitor() as monitor:
            self.assertEqual(self.run_command(monitor, "true").returncode, 0)
            self.assertEqual(self.run_command(monitor, "sh", "-c", "kill -USR1 $$").returncode,
                             -signal.SIGUSR1)
            self.assertEqual(self.run_command(monitor, "sh", "-c", "kill -34 $$").returncode, -34)
            self.assertEqual(self.run_command(monitor, "/nonexistent/command").returncode, 127)
            self.assertEqual(self.run_command(monitor, "/etc/passwd").returncode, 126)
            self.assertEqual(self.run_command(monitor, "status").returncode, 127)  # no verb here

    def test_what_its_caller_ignores_is_ignored_by_the_command_and_changes_nothing_else(self):
        with Monitor() as monitor:
            for script, code in (("trap '' CHLD; exec \"$@\" sh -c 'exit 3'", 3),
                                 ("trap '' HUP; exec \"$@\" sh -c 'kill -HUP $$; exit 4'", 4)):
                done = subprocess.run(["sh", "-c", script, "sh", *RUN, "--"], timeout=LIMIT,
                                      env=clean_environment(**endpoints(monitor)), check=False)
                self.assertEqual(done.returncode, code)

    def test_a_command_that_hung_and_is_killed_is_not_called_active(self):
        with Monitor(stale_threshold_ms=300) as monitor:
            sub = monitor.subscribe()
            wrapped = self.start(monitor, "sleep", "60", options=("--beat-on-output",))
            alert_of(sub, "build", "stale")
            wrapped.terminate()
            self.assertEqual(alert_of(sub, "build", "resolved")["reason"], "unregistered")

    def test_signals_pass_through(self):
        script = "trap 'echo hup' HUP; trap 'echo term; exit 5' TERM; echo ready; " \
                 "while :; do read -t 1 _ || sleep 0.05; done"
        with Monitor() as monitor:
            wrapped = self.start(monitor, "bash", "-c", script)
            self.assertEqual(wrapped.stdout.readline(), b"ready\n")
            wrapped.send_signal(signal.SIGHUP)
            self.assertEqual(wrapped.stdout.readline(), b"hup\n")
            wrapped.send_signal(signal.SIGTERM)
            self.assertEqual(wrapped.stdout.readline(), b"term\n")
            self.assertEqual(wrapped.wait(LIMIT), 5)

    def test_a_command_that_is_killed_with_its_wrapper_is_missed(self):
        with Monitor(stale_threshold_ms=3000) as monitor:
            sub = monitor.subscribe()
            wrapped = self.start(monitor, "sleep", "60")
            with self.assertRaises(Silence):
                next_alert(sub, 4)  # it beats
            wrapped.kill()
            alert_of(sub, "build", "stale")

    def test_silence_counts_where_output_is_the_sign_of_life(self):
        script = "echo begin; sleep 60"
        with Monitor(stale_threshold_ms=3000) as monitor:
            sub = monitor.subscribe()
            self.start(monitor, "sh", "-c", script, options=("--beat-on-output", "--run", "warned"))
            self.start(monitor, "sh", "-c", script,
                       options=("--beat-on-output", "--promise", "1h", "--run", "promised"))
            self.start(monitor, "sh", "-c", "while :; do echo .; sleep 0.2; done",
                       options=("--beat-on-output", "--run", "talks"))
            self.assertEqual(alert_of(sub, "build", "stale")["run_id"], "warned")
            with self.assertRaises(Silence):
                next_alert(sub, 2)


if __name__ == "__main__":
    unittest.main()
