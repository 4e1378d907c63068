"""hbctl run: which signals the command gets, and that each of them comes once."""

import fcntl
import os
import pathlib
import pty
import signal
import subprocess
import sys
import termios
import time

from hbctl_test import endpoints
from monitor import Monitor
from program import LIMIT, clean_environment
from run_test import NO_MONITOR, RUN, RunCase
from watch_test import Terminal

LISTENING = [sys.executable, str(pathlib.Path(__file__).with_name("listening.py"))]
# The terminal's, which stop the wrapper too; its own child's end; and the faults of a program.
NOT_PASSED_ON = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGTSTP, signal.SIGTTIN,
                 signal.SIGTTOU, signal.SIGCONT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE,
                 signal.SIGILL, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS, signal.SIGPIPE}


def state_of(pid):
    """As /proc has it: T = stopped."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return stat.rpartition(")")[2].split()[0]


class RunSignalsTest(RunCase):
    def start_on_terminal(self, monitor, *words):
        """The leader of a session on a terminal, started with its output in a pipe, and our end."""
        ours, theirs = pty.openpty()
        leader = subprocess.Popen(words, stdin=theirs, stdout=subprocess.PIPE,
                                  env=clean_environment(**endpoints(monitor)),
                                  start_new_session=True,
                                  preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(theirs)
        self.addCleanup(self.end, leader)
        return leader, ours

    def test_every_signal_that_can_be_meant_for_the_command_reaches_it(self):
        passed_on = sorted(signal.valid_signals() - NOT_PASSED_ON - {signal.SIGTERM})
        self.assertIn(signal.SIGALRM, passed_on)
        self.assertIn(signal.SIGRTMAX, passed_on)
        with Monitor() as monitor:
            wrapped = self.start(monitor, *LISTENING)
            self.assertEqual(self.line_of(wrapped.stdout), b"ready\n")
            for number in (*passed_on, signal.SIGTERM):
                wrapped.send_signal(number)
                self.assertEqual(self.line_of(wrapped.stdout), b"%d\n" % number)
            self.assertEqual(wrapped.wait(LIMIT), 5)

    def test_an_alarm_that_was_set_before_it_was_started_is_the_commands(self):
        script = "import os, signal, sys; signal.setitimer(signal.ITIMER_REAL, 0.5); " \
                 "os.execv(sys.argv[1], sys.argv[1:])"
        ended = subprocess.run([sys.executable, "-c", script, *RUN, "--", "sleep", "60"],
                               env=clean_environment(**NO_MONITOR), capture_output=True,
                               timeout=LIMIT, check=False)
        self.assertEqual(ended.returncode, -signal.SIGALRM)

    def test_what_the_command_sends_to_its_group_does_not_come_back(self):
        with Monitor() as monitor:
            wrapped = self.start(monitor, *LISTENING, str(int(signal.SIGUSR1)))
            self.assertEqual(self.line_of(wrapped.stdout), b"ready\n")
            self.assertEqual(self.line_of(wrapped.stdout), b"%d\n" % signal.SIGUSR1)
            wrapped.send_signal(signal.SIGUSR2)  # is taken after the other, which it can have too
            wrapped.send_signal(signal.SIGTERM)
            self.assertEqual(wrapped.communicate(timeout=LIMIT)[0],
                             b"%d\n%d\n" % (signal.SIGUSR2, signal.SIGTERM))

    def test_the_hang_up_of_a_terminal_comes_as_it_does_without_the_wrapper(self):
        with Monitor() as monitor:
            for prefix in ((), (*RUN, "--"), (*RUN, "--beat-on-output", "--")):
                with self.subTest(prefix=prefix):
                    leader, terminal = self.start_on_terminal(monitor, *prefix, *LISTENING)
                    self.assertEqual(self.line_of(leader.stdout), b"ready\n")
                    os.close(terminal)
                    self.assertEqual(self.line_of(leader.stdout), b"%d\n" % signal.SIGHUP)
                    leader.send_signal(signal.SIGUSR2)  # is taken after all that came before
                    leader.send_signal(signal.SIGTERM)
                    self.assertEqual(leader.communicate(timeout=LIMIT)[0],
                                     b"%d\n%d\n" % (signal.SIGUSR2, signal.SIGTERM))

    def test_a_stopped_command_goes_on_when_the_terminal_hangs_up(self):
        with Monitor() as monitor:
            leader, terminal = self.start_on_terminal(
                monitor, *RUN, "--", "sh", "-c", "trap 'exit 6' HUP; echo ready; kill -STOP $$")
            self.assertEqual(self.line_of(leader.stdout), b"ready\n")
            children = pathlib.Path(f"/proc/{leader.pid}/task/{leader.pid}/children")
            [command] = children.read_text(encoding="utf-8").split()
            deadline = time.monotonic() + LIMIT
            while state_of(command) != "T":
                self.assertLess(time.monotonic(), deadline)
            os.close(terminal)
            self.assertEqual(leader.wait(LIMIT), 6)

    def test_the_keys_of_a_terminal_come_once_and_a_shell_can_stop_and_resume_it(self):
        with Monitor() as monitor, \
                Terminal(endpoints(monitor), program=["bash", "--norc", "-i"]) as terminal:
            # noflsh: else a key that sends a signal throws away a line's end that is on its way.
            terminal.press("PS1='> '; stty -echo -echoctl noflsh\r")
            terminal.press(" ".join((*RUN, "--", *LISTENING)) + "\r")
            terminal.see(lambda lines: "ready" in lines)
            terminal.press("\x03")
            terminal.see(lambda lines: "2" in lines)
            terminal.press("\x1a")
            terminal.see("Stopped")
            terminal.press("kill -USR1 $(jobs -p); fg\r")  # to the wrapper alone
            terminal.see(lambda lines: "10" in lines)
            terminal.press("\x1c")
            lines = terminal.see(lambda lines: "3" in lines)
            numbers = [line for line in lines if line.isdigit()]
            self.assertEqual(numbers, ["2", "10", "3"])
            terminal.press("\x1a")
            terminal.see(lambda lines: sum("Stopped" in line for line in lines) == 2)
            terminal.press("kill -TERM $(jobs -p); fg\r")
            terminal.see(lambda lines: "15" in lines)
            terminal.press("echo code=$?\r")
            terminal.see("code=5")
            terminal.press("exit\r")
            self.assertEqual(terminal.ended(), 0)
