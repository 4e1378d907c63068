"""The wall clock may jump: it is shown to people, and decides nothing.

hbmond runs under libfaketime, which gives it the wall clock that the test writes into a file.
"""

import glob
import os
import time
import unittest

from events import HOUR, register, told
from monitor import alert_of
from program import LIMIT
from state_test import StateTest

FAKETIME = [found for folder in ("/usr/lib*", "/usr/lib/*")
            for found in glob.glob(folder + "/faketime/libfaketimeMT.so.1")][0]
DAY = 86_400_000


class ClockJumps(StateTest):
    def setUp(self):
        super().setUp()
        self.clock = os.path.join(self.folder, "clock")
        self.jump("+0")

    def jump(self, offset):
        """Sets the monitor's wall clock to the true time and so many seconds."""
        with open(self.clock + ".new", "w", encoding="ascii") as clock:
            clock.write(offset)
        os.rename(self.clock + ".new", self.clock)

    def monitor(self, **options):
        return super().monitor(environment={
            "LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": self.clock, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}, **options)

    def shown_clock(self, monitor, offset_ms):
        """Waits until the monitor's wall clock is that far from the true one."""
        deadline = time.monotonic() + LIMIT
        while True:
            [row] = monitor.ask("agents", agent="witness")["agents"]
            shown = row["last_activity_at"] + row["idle_for_ms"]
            if abs(shown - time.time() * 1000 - offset_ms) < 5_000:
                return row
            self.assertLess(time.monotonic(), deadline)

    def test_nobody_is_accused_and_the_silent_one_is_named(self):
        with self.monitor(stale_threshold_ms=1_500) as monitor:
            agents = self.agents(monitor, 100, 0.4)
            agent, alerts = monitor.publisher(), monitor.subscribe()
            told(monitor, agent, register("witness", stale_after_ms=HOUR))
            for offset, offset_ms in (("+86400", DAY), ("-86400", -DAY), ("+0", 0)):
                self.jump(offset)
                self.shown_clock(monitor, offset_ms)
                self.no_alert(alerts, 1.6)
            agents.stdin.write("stop a42\n")
            agents.stdin.flush()
            stopped = time.monotonic()
            self.jump("-86400")
            alert_of(alerts, "a42", "stale")
            self.assertLess(time.monotonic() - stopped, 1.5 + 1)
            self.assertEqual(self.counter(monitor, "loop_stalls_total"), 0)

    def test_ages_go_on_over_a_restart(self):
        with self.monitor() as monitor:
            told(monitor, monitor.publisher(),
                 register("witness", running_for_ms=60_000, idle_for_ms=30_000))
            self.written(monitor)
            before = self.shown_clock(monitor, 0)
            for offset, offset_ms in (("+86400", DAY), ("-86400", -DAY)):
                self.kill(monitor)
                self.jump(offset)
                monitor.start()
                row = self.shown_clock(monitor, offset_ms)
                for age in ("running_for_ms", "idle_for_ms"):
                    self.assertGreaterEqual(row[age], before[age])
                    self.assertLess(row[age], before[age] + LIMIT * 1000)


if __name__ == "__main__":
    unittest.main()
