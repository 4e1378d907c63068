"""hbctl run --beat-on-output: what is printed passes whole, also to a reader who takes nothing."""

import fcntl
import os
import signal
import sys
import time

from monitor import Monitor
from program import LIMIT
from run_test import RunCase

WATCHED = ("--beat-on-output", "--run", "r")


class RunOutputTest(RunCase):
    def wait_until_stuck(self, wrapped):
        """Nobody reads the wrapper's standard output: until no more of it fits the pipe."""
        size = fcntl.fcntl(wrapped.stdout, fcntl.F_GETPIPE_SZ)
        deadline = time.monotonic() + LIMIT
        while True:
            waiting = int.from_bytes(fcntl.ioctl(wrapped.stdout, 0x541B, b"\0" * 4),  # FIONREAD
                                     sys.byteorder)
            if waiting == size:
                return
            self.assertLess(time.monotonic(), deadline, f"{waiting} of {size} bytes")

    def test_a_signal_reaches_the_command_while_nobody_reads_what_it_prints(self):
        with Monitor() as monitor:
            wrapped = self.start(monitor, "yes", options=WATCHED)
            self.wait_until_stuck(wrapped)
            wrapped.terminate()
            self.assertEqual(self.ended(monitor, "r"), ("unregister", "failed"))
            output = wrapped.communicate(timeout=LIMIT)[0]
            self.assertEqual(output, b"y\n" * (len(output) // 2))
            self.assertEqual(wrapped.returncode, -signal.SIGTERM)

    def test_the_end_of_the_command_is_told_before_all_is_read_and_all_is_written(self):
        script = "head -c 120000 /dev/zero; exit 7"
        with Monitor() as monitor:
            wrapped = self.start(monitor, "sh", "-c", script, options=WATCHED)
            self.wait_until_stuck(wrapped)
            self.assertEqual(self.ended(monitor, "r"), ("unregister", "failed"))
            self.assertEqual(wrapped.communicate(timeout=LIMIT)[0], bytes(120_000))
            self.assertEqual(wrapped.returncode, 7)

    def test_what_the_command_left_unread_keeps_nobody_from_ending_the_wrapper(self):
        with Monitor() as monitor:
            wrapped = self.start(monitor, "head", "-c", "120000", "/dev/zero", options=WATCHED)
            self.assertEqual(self.ended(monitor, "r"), ("unregister", "done"))
            wrapped.send_signal(signal.SIGWINCH)  # ends no program
            wrapped.terminate()
            self.assertEqual(wrapped.wait(LIMIT), -signal.SIGTERM)

    def test_a_signal_behind_the_commands_end_takes_nothing_from_who_reads(self):
        with Monitor() as monitor:
            wrapped = self.start(monitor, "head", "-c", "120000", "/dev/zero", options=WATCHED)
            self.assertEqual(self.ended(monitor, "r"), ("unregister", "done"))
            wrapped.terminate()
            self.assertEqual(wrapped.communicate(timeout=LIMIT)[0], bytes(120_000))
            self.assertEqual(wrapped.returncode, 0)

    def test_a_command_waits_for_the_reader_of_its_output(self):
        script = "import os, select; os.set_blocking(1, False); total = 0\n" \
                 "while total < 1 << 26 and select.select([], [1], [], 1)[1]:\n" \
                 "    total += os.write(1, bytes(4096))\n" \
                 "os.write(2, b'%d\\n' % total)"
        read, write = os.pipe()
        with Monitor() as monitor, os.fdopen(read, "rb") as counted:
            wrapped = self.start(monitor, sys.executable, "-c", script, options=WATCHED,
                                 stderr=write)
            os.close(write)
            total = int(self.line_of(counted))
            self.assertLess(total, 1 << 20)
            self.assertEqual(len(wrapped.communicate(timeout=LIMIT)[0]), total)

    def test_one_stream_that_is_stuck_does_not_keep_the_other(self):
        script = "yes & while sleep 0.1; do echo lives >&2; done"
        read, write = os.pipe()
        with Monitor() as monitor, os.fdopen(read, "rb") as told:
            wrapped = self.start(monitor, "sh", "-c", script, options=WATCHED, stderr=write)
            os.close(write)
            self.wait_until_stuck(wrapped)
            for _ in range(3):
                self.assertEqual(self.line_of(told), b"lives\n")

    def test_a_reader_who_goes_away_is_noticed_by_the_command(self):
        with Monitor() as monitor:
            wrapped = self.start(monitor, "yes", options=WATCHED)
            self.wait_until_stuck(wrapped)
            wrapped.stdout.close()
            self.assertEqual(wrapped.wait(LIMIT), -signal.SIGPIPE)

    def test_who_inherited_the_output_is_not_waited_for(self):
        with Monitor() as monitor:
            wrapped = self.start(monitor, "sh", "-c", "yes & exit 3", options=WATCHED)
            wrapped.stdout.read(1_000)
            wrapped.communicate(timeout=LIMIT)
            self.assertEqual(wrapped.returncode, 3)
