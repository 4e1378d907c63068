"""hbctl run: which signals the command gets, and that each of them comes once."""

import pathlib
import signal
import subprocess
import sys

from hbctl_test import endpoints
from monitor import LIMIT, Monitor, clean_environment
from run_test import NO_MONITOR, RUN, RunCase
from watch_test import Terminal

LISTENING = [sys.executable, str(pathlib.Path(__file__).with_name("listening.py"))]
# The terminal's, which stop the wrapper too; its own child's end; and the faults of a program.
NOT_PASSED_ON = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGTSTP, signal.SIGTTIN,
                 signal.SIGTTOU, signal.SIGCONT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE,
                 signal.SIGILL, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS, signal.SIGPIPE}


class RunSignalsTest(RunCase):
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

    def test_the_keys_of_a_terminal_come_once_and_a_shell_can_stop_and_resume_it(self):
        with Monitor() as monitor, \
                Terminal(endpoints(monitor), program=["bash", "--norc", "-i"]) as terminal:
            terminal.press("PS1='> '; stty -echo -echoctl\r")
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
