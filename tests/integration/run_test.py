"""hbctl run: a command as a run of an agent, and nobody but the monitor notices."""

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from hbctl_test import command, endpoints
from monitor import Monitor, alert_of, next_alert
from program import LIMIT, Silence, clean_environment

NO_MONITOR = {"HB_EVENTS": "ipc:///nonexistent/events"}
RUN = command("run", "--agent", "build")


class RunCase(unittest.TestCase):
    """Starts commands under hbctl run."""

    def run_command(self, where, *words, options=(), data=b""):
        """What the wrapped command did, as bytes."""
        environment = clean_environment(**(endpoints(where) if where else NO_MONITOR))
        return subprocess.run([*RUN, *options, "--", *words], env=environment, input=data,
                              capture_output=True, timeout=LIMIT, check=False)

    def start(self, monitor, *words, options=(), **settings):
        started = subprocess.Popen([*RUN, *options, "--", *words], stdout=subprocess.PIPE,
                                   env=clean_environment(**endpoints(monitor)),
                                   start_new_session=True, **settings)
        self.addCleanup(self.end, started)
        return started

    @staticmethod
    def end(leader):
        """Of a session: the command too."""
        try:
            os.killpg(leader.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        leader.wait()
        leader.stdout.close()

    def line_of(self, stream):
        """Its next line, read past the stream's buffer, into which select() cannot see."""
        line = b""
        while not line.endswith(b"\n"):
            self.assertTrue(select.select([stream], [], [], LIMIT)[0], f"no line came: {line}")
            byte = os.read(stream.fileno(), 1)
            self.assertTrue(byte, f"it ended within a line: {line}")
            line += byte
        return line

    def ended(self, monitor, run_id):
        deadline = time.monotonic() + LIMIT
        while True:
            reply = monitor.request({"cmd": "agent", "agent_id": "build", "run_id": run_id})
            if "ended_by" in reply.get("error", {}):
                return reply["error"]["ended_by"], reply["error"]["outcome"]
            self.assertLess(time.monotonic(), deadline, reply)


class RunTest(RunCase):
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
            self.assertEqual((run["run_id"], run["task_id"], run["detail"]), ("r1", "T-1", "sleep 60"))
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

    def test_the_command_gets_its_words_as_they_were_written(self):
        words = ["", "[]", "[a,b]", "[", "{}", "%%", "--", "-x", "--help", "--agent=5", "a b",
                 '"q"', "'q'", "a=", "--a=", "\\", "a\nb", "$HOME", "é", ""]
        with Monitor() as monitor:
            done = self.run_command(monitor, "printf", "%s\\0", *words)
            self.assertEqual(done.stdout.decode("utf-8").split("\0")[:-1], words)
            self.assertEqual(self.run_command(monitor, "--").returncode, 127)
            self.assertEqual(self.run_command(monitor, "").returncode, 127)

    def test_a_double_dash_or_nothing_for_a_value_begins_no_command(self):
        with Monitor() as monitor:
            for options in (("--run", "--"), ("--run=--",), ("--task=", "--run", "r"),
                            ("--run=r", "--task", "[r]")):
                done = self.run_command(monitor, "echo", "--run", options=options)
                self.assertEqual((done.stdout, done.stderr), (b"--run\n", b""))
            for run_id in ("--", "r"):
                self.assertEqual(self.ended(monitor, run_id), ("unregister", "done"))

    def test_a_command_that_is_not_behind_a_double_dash_is_a_usage_error(self):
        for words in ((), ("--",), ("true",), ("make", "-j4"), ("[]",), ("true", "--", "true")):
            ended = subprocess.run([*RUN, *words], env=clean_environment(**NO_MONITOR),
                                   capture_output=True, text=True, timeout=LIMIT, check=False)
            self.assertEqual(ended.returncode, 2, words)
            self.assertIn("the command stands behind --", ended.stderr)
            self.assertEqual(ended.stderr.count("\n"), 1, ended.stderr)

    def test_it_ends_as_the_command_ends(self):
        with Monitor() as monitor:
            self.assertEqual(self.run_command(monitor, "true").returncode, 0)
            self.assertEqual(self.run_command(monitor, "sh", "-c", "kill -USR1 $$").returncode,
                             -signal.SIGUSR1)
            self.assertEqual(self.run_command(monitor, "sh", "-c", "kill -34 $$").returncode, -34)
            self.assertEqual(self.run_command(monitor, "/nonexistent/command").returncode, 127)
            self.assertEqual(self.run_command(monitor, "/etc/passwd").returncode, 126)
            self.assertEqual(self.run_command(monitor, "status").returncode, 127)  # no verb here

    def test_what_the_monitor_must_refuse_is_a_usage_error_and_nothing_is_started(self):
        with tempfile.TemporaryDirectory() as folder:
            touched = os.path.join(folder, "started")
            for option, value, problem in (
                    ("--agent", "", "is empty"), ("--agent", "a" * 129, "has 129 bytes"),
                    ("--run", "é" * 65, "has 130 bytes"), ("--task", "a\nb", "control character"),
                    ("--agent", b"a\xff", "not UTF-8"), ("--run", "\x7f", "control character")):
                with self.subTest(option=option, value=value):
                    words = [*command("run"), *(() if option == "--agent" else ("--agent", "a")),
                             option, value, "--", "touch", touched]
                    ended = subprocess.run(words, env=clean_environment(**NO_MONITOR),
                                           capture_output=True, timeout=LIMIT, check=False)
                    error = ended.stderr.decode("utf-8")
                    self.assertEqual(ended.returncode, 2, error)
                    self.assertEqual(error.count("\n"), 1, error)
                    for part in (option, problem, "to 128 bytes of UTF-8", "hbctl run --help"):
                        self.assertIn(part, error)
                    self.assertFalse(os.path.exists(touched))

    def test_an_empty_run_and_task_and_the_longest_names_are_fine(self):
        with Monitor() as monitor:
            self.assertEqual(self.run_command(monitor, "true", options=(
                "--run", "", "--task", "", "--type", "x" * 500)).returncode, 0)
            self.assertEqual(self.ended(monitor, ""), ("unregister", "done"))
            self.assertEqual(self.run_command(monitor, "true", options=(
                "--run", "é" * 64, "--task", "\u0085" * 64)).returncode, 0)
            self.assertEqual(self.ended(monitor, "é" * 64), ("unregister", "done"))

    def test_show_tells_the_whole_command_line_as_far_as_it_fits(self):
        with Monitor() as monitor:
            self.start(monitor, "sh", "-c", "exec sleep 60", "é" * 600, options=("--run", "r"))
            deadline = time.monotonic() + LIMIT
            while not (reply := monitor.request({"cmd": "agent", "agent_id": "build"}))["ok"]:
                self.assertLess(time.monotonic(), deadline)
            detail = reply["runs"][0]["detail"]
            self.assertTrue(detail.startswith("sh -c exec sleep 60 éé"), detail)
            self.assertIn(len(detail.encode()), (511, 512))

    def test_without_a_monitor_it_ends_soon_after_the_command(self):
        seconds = []
        for _ in range(3):
            begun = time.monotonic()
            done = self.run_command(None, "true")
            seconds.append(time.monotonic() - begun)
            self.assertIn(b"the monitor was not told", done.stderr)
        self.assertLess(min(seconds), 0.8)  # one second is what it waits for a monitor that was there

    def test_a_server_of_http_is_taken_for_no_monitor(self):
        answer = b"HTTP/1.1 400 Bad Request\r\n" + b"x-padding: 0123456789\r\n" * 5 + b"\r\n"
        with socket.create_server(("127.0.0.1", 0)) as server:
            def serve():
                while True:
                    try:
                        peer, _ = server.accept()
                    except OSError:
                        return
                    with peer:
                        peer.recv(100)
                        peer.sendall(answer)
            thread = threading.Thread(target=serve)
            thread.start()
            endpoint = f"tcp://127.0.0.1:{server.getsockname()[1]}"
            done = subprocess.run([*RUN, "--events", endpoint, "--", "sh", "-c", "exit 7"],
                                  env=clean_environment(), capture_output=True, timeout=LIMIT,
                                  check=False)
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
        self.assertEqual(done.returncode, 7)
        self.assertIn(b"was not told", done.stderr)

    def test_the_shortest_command_is_told_where_the_monitor_is(self):
        anywhere = "tcp://127.0.0.1:*"
        with Monitor(events=anywhere, alerts=anywhere, status=anywhere) as monitor:
            for number in range(20):
                done = self.run_command(monitor, "true", options=("--run", f"r{number}"))
                self.assertEqual(done.stderr, b"")
                self.assertEqual(self.ended(monitor, f"r{number}"), ("unregister", "done"))

    def test_the_command_finds_what_its_caller_left(self):
        """Which signals it ignores and blocks, which descriptors it has: as without the wrapper."""
        script = "import os, re; print(*re.findall(r'Sig(?:Blk|Ign|Cgt):.*', " \
                 "open('/proc/self/status').read()), sorted(os.listdir('/proc/self/fd'))," \
                 " file=open(3, 'w'))"
        with Monitor() as monitor:
            for before in ("", "trap '' PIPE", "trap '' CHLD", "trap '' HUP PIPE CHLD INT USR1",
                           "exec <&-", "exec <&- >&-", "exec 2>&-"):
                with self.subTest(before), tempfile.TemporaryDirectory() as folder:
                    found = []
                    for prefix in ((), (*RUN, "--")):
                        path = os.path.join(folder, "found")
                        self.assertEqual(self.run_from_shell(
                            monitor, f"exec 3>{path}; {before}", *prefix,
                            sys.executable, "-S", "-c", script), 0)
                        with open(path, encoding="utf-8") as file:
                            found.append(file.read())
                    self.assertIn("SigIgn", found[0])
                    self.assertEqual(*found)

    def run_from_shell(self, monitor, before, *words):
        """The code with which `words` end where a shell has done `before`."""
        return subprocess.run(
            ["bash", "-c", f'{before}\nexec "$@"', "bash", *words], timeout=LIMIT, check=False,
            env=clean_environment(**endpoints(monitor)), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

    def test_what_its_caller_ignores_or_closed_changes_nothing_else(self):
        with Monitor() as monitor:
            for before in ("trap '' CHLD", "trap '' HUP PIPE", "exec <&- >&- 2>&-"):
                for options in ((), ("--beat-on-output",)):
                    code = self.run_from_shell(monitor, before, *RUN, "--run", before, *options,
                                               "--", "sh", "-c", "kill -HUP $PPID; exit 3")
                    self.assertEqual(code, 3, before)
                    self.assertEqual(self.ended(monitor, before), ("unregister", "failed"))

    def test_a_script_that_names_no_interpreter_is_the_shells(self):
        with Monitor() as monitor, tempfile.TemporaryDirectory() as folder:
            script = os.path.join(folder, "script")
            for text, code in (('echo "$1" "$2"; exit 4', 4), ("#!/nonexistent/sh\n", 127)):
                with open(script, "w", encoding="utf-8") as file:
                    file.write(text)
                os.chmod(script, 0o755)
                done = self.run_command(monitor, script, "a b", "[]")
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual(done.stdout, b"a b []\n" if code == 4 else b"")

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
            self.assertEqual(self.line_of(wrapped.stdout), b"ready\n")
            wrapped.send_signal(signal.SIGHUP)
            self.assertEqual(self.line_of(wrapped.stdout), b"hup\n")
            wrapped.send_signal(signal.SIGTERM)
            self.assertEqual(self.line_of(wrapped.stdout), b"term\n")
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
