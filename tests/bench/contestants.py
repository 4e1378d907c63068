"""Those that are measured, each as a process on endpoints of its own; context managers."""

import csv
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from monitor import Monitor  # noqa: E402
from program import BIN_DIR, LIMIT, clean_environment  # noqa: E402

DAY_MS = 86_400_000
PYTHON = "/usr/bin/python3"  # Debian's packages are for Debian's interpreter


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def endpoints(transport, folder):
    """Of events, alerts and status."""
    if transport == "tcp":
        return [f"tcp://127.0.0.1:{free_port()}" for _ in range(3)]
    return [f"ipc://{folder}/{name}" for name in ("events", "alerts", "status")]


class Process:
    """Started by `command`, given its endpoints; what hbload talks to."""

    def __init__(self, transport, command):
        self.folder = tempfile.TemporaryDirectory(prefix="hb-bench-")
        self.events, self.alerts, self.status = endpoints(transport, self.folder.name)
        self.arguments = command(self)
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.arguments, env=clean_environment())
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    @property
    def pid(self):
        return self.process.pid


def bare(transport="ipc"):
    """Receives and discards."""
    program = os.path.join(BIN_DIR, "heartbeat_bare_receiver")
    return Process(transport, lambda it: [program, it.events, it.status])


def python_monitor(transport="ipc"):
    script = str(HERE / "python_monitor.py")
    return Process(transport, lambda it: [PYTHON, script, it.events, it.alerts, it.status])


class Hbmond(Monitor):
    """With limits that no measurement reaches unless it means to."""

    def __init__(self, transport="ipc", **options):
        folder = tempfile.TemporaryDirectory(prefix="hb-bench-")
        self.endpoint_folder = folder
        names = dict(zip(("events", "alerts", "status"), endpoints(transport, folder.name)))
        super().__init__(**{**names, "log_level": "error", "stale_threshold_ms": DAY_MS,
                            "timeout_threshold_ms": DAY_MS, "runs_max": 20_000_000, **options})

    def discard(self):
        super().discard()
        self.endpoint_folder.cleanup()

    @property
    def pid(self):
        return self.process.pid

    def memory_bytes(self):
        return self.memory_mib() * 1024 * 1024


class Redis:
    """On a port of its own, without persistence."""

    def __init__(self):
        self.port = free_port()
        # Debian's redis-tools has the server too, under a name by which it does another thing.
        server = shutil.which("redis-server") or shutil.which("redis-check-rdb")
        self.command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                        "--save", "", "--appendonly", "no"], server
        self.process = None

    def __enter__(self):
        arguments, program = self.command
        self.process = subprocess.Popen(arguments, executable=program, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    return self
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("redis-server did not start") from None
                time.sleep(0.02)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def heartbeats_per_s(self, runs, count, pipeline):
        """ZADD with the time as score, for any of the runs."""
        done = subprocess.run(
            ["redis-benchmark", "-p", str(self.port), "-P", str(pipeline), "-n", str(count),
             "-r", str(runs), "--csv", "ZADD", "heartbeats", "1700000000000", "agent-__rand_int__"],
            stdout=subprocess.PIPE, text=True, check=True)
        return float(list(csv.DictReader(done.stdout.splitlines()))[0]["rps"])


class Failed(Exception):
    """A contestant did not do what it was asked."""


def hbload_command(of, verb, **options):
    arguments = [os.path.join(BIN_DIR, "hbload"), verb, "--json"]
    for name, value in options.items():
        if value is True:
            arguments.append("--" + name.replace("_", "-"))
        elif value is not False:
            arguments += ["--" + name.replace("_", "-"), str(value)]
    return arguments, clean_environment(HB_EVENTS=of.events, HB_ALERTS=of.alerts,
                                        HB_STATUS=of.status)


def hbload(of, verb, **options):
    """What it reports. Raises Failed where anything was lost."""
    arguments, environment = hbload_command(of, verb, **options)
    done = subprocess.run(arguments, env=environment, stdout=subprocess.PIPE, text=True)
    report = json.loads(done.stdout or "{}")
    if done.returncode != 0 or not report.get("success"):
        raise Failed(f"{' '.join(arguments)}: exit code {done.returncode}: {done.stdout.strip()}")
    return report


def throughput(of, **options):
    return hbload(of, "throughput", receiver=of.pid, **options)


__all__ = ["BIN_DIR", "Failed", "Hbmond", "Redis", "bare", "hbload", "hbload_command",
           "python_monitor", "throughput"]
