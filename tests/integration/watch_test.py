"""hbctl watch on a terminal: what a person sees, and what is left of the terminal afterwards."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

import pyte

from events import activity, register, told, unregister
from hbctl_test import command, endpoints
from monitor import Monitor
from program import LIMIT, clean_environment

# pyte emulates this one; it has no second screen to leave, which is looked for on the other.
EMULATED, TWO_SCREENS = "linux", "xterm"
ENTER_SCREEN, LEAVE_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"
NOBODY = {"HB_STATUS": "ipc:///nonexistent/status"}


def tell(monitor, *events):
    """What an agent of its own sends, and the monitor has read when this returns."""
    agent = monitor.publisher()
    told(monitor, agent, *events)
    agent.close()


class Terminal:
    """A terminal with hbctl watch (or `program`) on it; a context manager."""

    def __init__(self, environment, *options, columns=100, rows=20, timeout="500ms",
                 program=None, controlling=True, **variables):
        self.ours, self.theirs = pty.openpty()
        self.emulator = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.emulator)
        self.bytes = b""
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.theirs)
        # As an interactive shell starts it: the terminal is its own, and so are Ctrl-C and Ctrl-Z.
        self.process = subprocess.Popen(
            program or command("watch", "--interval", "500ms", "--timeout", timeout, *options),
            env=clean_environment(**{"TERM": EMULATED, **environment, **variables}),
            stdin=self.theirs, stdout=self.theirs, stderr=self.theirs, start_new_session=True,
            preexec_fn=lambda: controlling and fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)

    def resize(self, columns, rows):
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.emulator.resize(rows, columns)

    def press(self, keys):
        os.write(self.ours, keys.encode())

    def read(self, limit):
        """Whether something came within `limit` seconds."""
        if not select.select([self.ours], [], [], limit)[0]:
            return False
        came = os.read(self.ours, 65536)
        self.bytes += came
        self.stream.feed(came)
        return True

    def lines(self):
        return [line.rstrip() for line in self.emulator.display]

    def see(self, looks_right):
        """The lines, as soon as `looks_right` of them: a function, or text that one has in it."""
        right = looks_right if callable(looks_right) else \
            lambda lines: any(looks_right in line for line in lines)
        deadline = time.monotonic() + LIMIT
        while not right(self.lines()):
            left = deadline - time.monotonic()
            if left < 0 or not self.read(left):
                raise AssertionError("not seen: " + "\n".join(self.lines()))
        return self.lines()

    def ended(self):
        """The exit code; negative = by that signal."""
        deadline = time.monotonic() + LIMIT
        while self.process.poll() is None:
            self.read(0.02)
            if time.monotonic() > deadline:
                raise AssertionError("it does not end: " + "\n".join(self.lines()))
        return self.process.returncode

    def table(self):
        """The agents in the table, from top to bottom."""
        lines = self.lines()
        header = next((i for i, line in enumerate(lines) if line.startswith("AGENT ")), None)
        return [] if header is None else [line.split()[0] for line in lines[header + 1:-1] if line]


class WatchTest(unittest.TestCase):
    def open(self, monitor, *options, **settings):
        return Terminal(endpoints(monitor) if monitor else NOBODY, *options, **settings)

    def check_restored(self, terminal):
        self.assertEqual(termios.tcgetattr(terminal.theirs), terminal.before)
        # What was written last may still be on its way through the terminal.
        terminal.see(lambda _: LEAVE_SCREEN in terminal.bytes)
        self.assertEqual(terminal.bytes.count(ENTER_SCREEN), terminal.bytes.count(LEAVE_SCREEN))
        self.assertGreater(terminal.bytes.rindex(LEAVE_SCREEN), terminal.bytes.rindex(ENTER_SCREEN))

    def test_who_needs_attention_is_first(self):
        with Monitor() as monitor, self.open(monitor) as terminal:
            terminal.see("0 in flight")
            tell(monitor, register("calm"),
                 register("hurried", stale_after_ms=60_000), register("hangs", stale_after_ms=50))
            terminal.see("last alert")
            terminal.see(lambda _: terminal.table() == ["hangs", "hurried", "calm"])
            lines = terminal.see("3 in flight: 3 running, 0 idle; 1 stale")
            self.assertIn("online", lines[0])
            self.assertIn("Stale agent detected: hangs", "".join(lines))

    def test_it_filters_by_agent_and_by_state(self):
        with Monitor() as monitor, self.open(monitor) as terminal:
            tell(monitor, register("coder-1"), register("coder-2"),
                 register("planner"), register("hangs", stale_after_ms=50))
            terminal.see(lambda _: len(terminal.table()) == 4)
            terminal.press("/cod")
            terminal.see(lambda _: terminal.table() == ["coder-1", "coder-2"])
            terminal.press("er-2\r")
            terminal.see(lambda _: terminal.table() == ["coder-2"])
            terminal.press("\x1b")
            terminal.see(lambda _: len(terminal.table()) == 4)
            terminal.press("s")
            terminal.see(lambda _: terminal.table() == ["hangs"])
            terminal.see("stale: 1 match")

    def test_it_opens_a_run_and_follows_it_to_its_end(self):
        with Monitor() as monitor, self.open(monitor) as terminal:
            agent = monitor.publisher()
            told(monitor, agent, register("dev", run_id="r1", stale_after_ms=600_000),
                 register("other"))
            terminal.see(lambda _: len(terminal.table()) == 2)
            terminal.press("/dev\r")
            terminal.see(lambda _: terminal.table() == ["dev"])
            terminal.press("\r")
            terminal.see("limit 10m, from promise")
            terminal.see("from configuration")
            told(monitor, agent, activity("dev", run_id="r1", phase="tests"))
            terminal.see("tests")
            told(monitor, agent, unregister("dev", run_id="r1", outcome="failed"))
            terminal.see("NOT IN FLIGHT")
            terminal.see("outcome failed")
            terminal.press("q")
            terminal.see("0 match")
            self.assertIsNone(terminal.process.poll())

    def test_it_survives_the_monitors_death_and_says_how_old_everything_is(self):
        with Monitor() as monitor, self.open(monitor) as terminal:
            tell(monitor, register("before"))
            terminal.see(lambda _: terminal.table() == ["before"])
            monitor.process.kill()
            monitor.process.wait()

            def age():
                said = re.search(r"NO ANSWER: what is shown is (\d+)s old", terminal.lines()[0])
                return int(said[1]) if said else 0
            terminal.see(lambda _: age() > 0)
            first = age()
            terminal.see(lambda _: age() > first)
            self.assertFalse([line for line in terminal.lines() if line.startswith("online")])
            monitor.start()
            tell(monitor, register("after"))
            terminal.see(lambda _: terminal.table() == ["after"])
            terminal.see("the monitor was restarted")
            self.assertFalse([line for line in terminal.lines() if "NO ANSWER" in line])

    def test_q_ends_it_at_once_also_without_a_monitor(self):
        for there in (True, False):
            with self.subTest(monitor=there), Monitor() as monitor:
                with self.open(monitor if there else None, timeout="1h",
                               TERM=TWO_SCREENS) as terminal:
                    terminal.see("online" if there else "NO ANSWER")
                    terminal.press("q")
                    self.assertEqual(terminal.ended(), 0)
                    self.check_restored(terminal)

    def test_every_signal_that_ends_it_leaves_the_terminal_as_it_was(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(number.name), self.open(None, TERM=TWO_SCREENS) as terminal:
                terminal.see("asking")
                terminal.process.send_signal(number)
                self.assertEqual(terminal.ended(), 0)
                self.check_restored(terminal)

    def test_ctrl_c_ends_it(self):
        with self.open(None, TERM=TWO_SCREENS) as terminal:
            terminal.see("asking")
            terminal.press("\x03")
            self.assertEqual(terminal.ended(), 0)
            self.check_restored(terminal)

    def test_a_crash_leaves_the_terminal_as_it_was(self):
        for number in (signal.SIGSEGV, signal.SIGABRT):
            with self.subTest(number.name), self.open(None, TERM=TWO_SCREENS) as terminal:
                terminal.see("asking")
                terminal.process.send_signal(number)
                # A sanitizer reports it and exits.
                self.assertIn(terminal.ended(), (-number, 1))
                self.check_restored(terminal)

    def test_a_signal_that_it_does_not_catch_leaves_the_terminal_as_it_was(self):
        deadly = (signal.SIGKILL, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGXCPU,
                  signal.SIGXFSZ, signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO, signal.SIGPWR,
                  signal.SIGSTKFLT, signal.SIGTRAP, signal.SIGSYS, signal.SIGRTMIN,
                  signal.SIGRTMAX)
        for number in deadly:
            with self.subTest(number), self.open(None, TERM=TWO_SCREENS) as terminal:
                terminal.see("asking")
                terminal.process.send_signal(number)
                self.assertEqual(terminal.ended(), -number)
                terminal.see(lambda _: LEAVE_SCREEN in terminal.bytes)
                self.check_restored(terminal)

    def test_a_terminal_that_goes_away_ends_it(self):
        for controlling in (True, False):  # only then a signal tells
            with self.subTest(controlling=controlling), \
                    self.open(None, controlling=controlling) as terminal:
                terminal.see("asking")
                spare = os.dup(terminal.theirs)
                os.close(terminal.ours)
                terminal.ours = spare
                self.assertEqual(terminal.process.wait(LIMIT), 0)

    def test_a_shell_can_suspend_and_resume_it(self):
        with Monitor() as monitor, \
                self.open(monitor, program=["bash", "--norc", "-i"], TERM=TWO_SCREENS) as terminal:
            terminal.press(" ".join(command("watch")) + "\r")
            terminal.see("online")
            in_use = termios.tcgetattr(terminal.theirs)
            terminal.press("\x1a")
            terminal.see("Stopped")
            self.assertEqual(terminal.bytes.count(LEAVE_SCREEN), 1)
            terminal.press("fg\r")
            terminal.see(lambda _: terminal.bytes.count(ENTER_SCREEN) == 2)
            terminal.see("online")
            self.assertEqual(termios.tcgetattr(terminal.theirs), in_use)
            terminal.press("q")
            terminal.see(lambda _: terminal.bytes.count(LEAVE_SCREEN) == 2)
            terminal.press("echo code=$?\r")
            terminal.see("code=0")
            terminal.press("exit\r")
            self.assertEqual(terminal.ended(), 0)

    def test_after_a_stop_it_takes_the_terminal_over_again(self):
        with Monitor() as monitor, self.open(monitor) as terminal:
            terminal.see("online")
            in_use = termios.tcgetattr(terminal.theirs)
            terminal.process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, terminal.process.pid, os.WSTOPPED | os.WNOWAIT)
            termios.tcsetattr(terminal.theirs, termios.TCSANOW, terminal.before)
            terminal.emulator.reset()
            terminal.process.send_signal(signal.SIGCONT)
            terminal.see("online")
            self.assertEqual(termios.tcgetattr(terminal.theirs), in_use)

    def test_it_follows_the_terminals_size(self):
        with Monitor() as monitor, self.open(monitor, columns=100, rows=20) as terminal:
            tell(monitor, *(register(f"dev-{i}") for i in range(30)))
            terminal.see("30 in flight")
            terminal.see(lambda _: len(terminal.table()) == 14)
            self.assertIn("q quit", terminal.lines()[19])
            terminal.resize(50, 10)
            terminal.see(lambda lines: "q quit" in lines[9] and len(terminal.table()) == 4)
            terminal.resize(140, 40)
            terminal.see(lambda lines: "q quit" in lines[39] and len(terminal.table()) == 30)

    def test_text_of_agents_reaches_no_terminal_as_a_command(self):
        with Monitor() as monitor, self.open(monitor) as terminal:
            # The monitor takes C1 controls and marks of direction: they are valid UTF-8.
            tell(monitor, register("a\u009b2J", task_id="\u202egnp", detail="漢字" * 80))
            terminal.see(lambda _: terminal.table() == ["a"])
            sent = terminal.bytes.decode()
            self.assertNotIn("\u009b", sent)
            self.assertNotIn("\u202e", sent)

    def test_colour_only_where_it_is_wanted(self):
        yellow = b"\x1b[33m"
        for variables, expected in (({}, True), ({"NO_COLOR": "1"}, False)):
            with self.subTest(**variables), Monitor() as monitor:
                tell(monitor, register("hangs", stale_after_ms=50))
                environment = {"NO_COLOR": "", **variables}
                with self.open(monitor, **environment) as terminal:
                    terminal.see("1 stale")
                    self.assertEqual(yellow in terminal.bytes, expected, terminal.bytes)

    def test_it_draws_when_something_changes_and_not_all_the_time(self):
        with Monitor() as monitor, self.open(monitor) as terminal:
            tell(monitor, *(register(f"dev-{i}") for i in range(30)))
            terminal.see("30 in flight")
            asked = monitor.counters()["status_requests_total"]
            size, began = len(terminal.bytes), time.monotonic()
            while time.monotonic() < began + 2:
                terminal.read(0.1)
            # At 500 ms it asks for the status and for the last alert; one more of each may be on
            # its way, and ours are counted too.
            self.assertLess(monitor.counters()["status_requests_total"] - asked, 14)
            self.assertLess(len(terminal.bytes) - size, 5 * 2_000)

    def test_without_a_terminal_it_says_what_to_use_instead(self):
        environment = clean_environment(**NOBODY, TERM="xterm")
        ours, theirs = pty.openpty()
        try:
            for streams, named in (({"stdin": subprocess.DEVNULL, "stdout": theirs}, "input"),
                                   ({"stdin": theirs, "stdout": subprocess.PIPE}, "output")):
                with self.subTest(named):
                    ended = subprocess.run(command("watch"), env=environment, text=True,
                                           stderr=subprocess.PIPE, timeout=LIMIT, check=False,
                                           **streams)
                    self.assertEqual(ended.returncode, 2)
                    self.assertEqual(ended.stderr.count("\n"), 1)
                    self.assertIn(f"standard {named} is no terminal", ended.stderr)
                    self.assertIn("hbctl agents --json", ended.stderr)
        finally:
            os.close(ours)
            os.close(theirs)

    def test_terminals_that_cannot_be_drawn_on_are_refused(self):
        for term in ("dumb", "no-such-terminal", ""):
            with self.subTest(term), self.open(None, TERM=term) as terminal:
                self.assertEqual(terminal.ended(), 2)
                terminal.see("use hbctl status")
                self.assertEqual(termios.tcgetattr(terminal.theirs), terminal.before)

    def test_json_and_a_short_interval_are_usage_errors(self):
        for option in (("--json",), ("--interval", "100ms")):
            with self.subTest(option), self.open(None, *option) as terminal:
                self.assertEqual(terminal.ended(), 2)


if __name__ == "__main__":
    unittest.main()
