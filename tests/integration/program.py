"""Runs a program for a test: it ends with the test, and what it said is shown where that fails.

Nothing here sleeps: everything is waited for on a socket or on the process, with a limit.
"""

import os
import re
import signal
import subprocess
import tempfile
import time

BIN_DIR = os.environ.get("HEARTBEAT_BIN_DIR", "")
LIMIT = 20.0  # seconds; whatever takes longer is broken, also on a busy machine
# A program that a sanitizer slows down is not held to what was promised of its times.
SANITIZED = bool(os.environ.get("HEARTBEAT_SANITIZER"))
STOP_LIMIT = LIMIT if SANITIZED else 1.0


class Silence(AssertionError):
    """What a test waited for did not come in time."""


def flags(options):
    """Keyword options as flags: stale_threshold_ms=200 is --stale-threshold-ms 200."""
    arguments = []
    for name, value in options.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            arguments.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            arguments += [f"--{flag}", str(value)]
    return arguments


def clean_environment(**extra):
    """The caller's environment without HB_… variables, which would be options."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HB_")}
    return {**kept, **extra}


def waited(what, condition):
    """The first true value of `condition()`, which asks a process over a socket."""
    deadline = time.monotonic() + LIMIT
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Silence(f"{what}: not within {LIMIT} s")


class Program:
    """A context manager. start(), of the one that it is, sets `process`, also once more after an
    end; what is to be shown of it goes to the file `log_path` in `path`, a folder of its own."""

    stop_limit = STOP_LIMIT

    def __init__(self, name):
        self.name = name
        self.folder = tempfile.TemporaryDirectory(prefix="hb-")
        self.path = self.folder.name
        self.log_path = os.path.join(self.path, f"{name}.log")
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.discard()
            raise
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self.stop()
            else:
                print(f"--- log of {self.name} ---\n{self.log()}---", flush=True)
        finally:
            self.discard()

    def run(self, arguments, **options):
        """Runs it; unless told otherwise, what it says on stdout and stderr goes to its log."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                arguments, **{"stdout": log, "stderr": log, "env": clean_environment(), **options})

    def check_running(self):
        if self.process.poll() is not None:
            raise AssertionError(
                f"{self.name} ended with {self.process.returncode}; log:\n{self.log()}")

    def wait_for_exit(self, timeout):
        """The exit code, or None if it still runs after `timeout`."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, signal_number=signal.SIGTERM):
        """Ends it as an operator does, and holds it to its promise."""
        self.check_running()
        self.process.send_signal(signal_number)
        code = self.wait_for_exit(self.stop_limit)
        assert code == 0, f"exit code {code} after {self.stop_limit} s; log:\n{self.log()}"

    def discard(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()
        self.folder.cleanup()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def memory_mib(self):
        """What it holds in memory."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) / 1024
