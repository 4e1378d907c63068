"""What a state file, and the disk that it is on, may do to the monitor, and what is said of it."""

import os
import resource
import subprocess
import tempfile
import unittest

from events import HOUR, register, told
from monitor import HBMOND, Monitor
from program import LIMIT, clean_environment


def limit_file_size(size, process=0):
    resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


class FileSizeLimit(unittest.TestCase):
    """A limit of the size of files (ulimit -f) is a full disk, and no reason to die of a signal."""

    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="hb-state-"))
        self.state = os.path.join(folder, "state.db")

    def test_at_the_start_is_told(self):
        ended = subprocess.run([HBMOND, "--state", self.state], env=clean_environment(),
                               preexec_fn=lambda: limit_file_size(0), capture_output=True,
                               timeout=LIMIT, check=False)
        self.assertIn(b"File too large", ended.stderr)
        self.assertEqual(ended.returncode, 2)

    def test_while_it_runs_stops_neither_it_nor_its_end(self):
        with Monitor(state=self.state, timeout_threshold_ms=HOUR) as monitor:
            agent = monitor.publisher()
            limit_file_size(0, monitor.process.pid)  # of its log, too
            told(monitor, agent, register("a"))
            self.assertEqual(monitor.wait_for_exit(1.5), None)


if __name__ == "__main__":
    unittest.main()
