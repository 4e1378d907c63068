"""What heartbeat_bench says: the core, decoding and the client, each alone."""

import json
import os
import subprocess

from contestants import BIN_DIR
from measures import Row, grouped

NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


class Benchmarks:
    """All of heartbeat_bench, run once: nanoseconds by benchmark, and by number of runs."""

    def __init__(self, size):
        done = subprocess.run(
            [os.path.join(BIN_DIR, "heartbeat_bench"), "--benchmark_format=json",
             f"--benchmark_min_time={size.bench_min_time}", *self.without_large(size)],
            stdout=subprocess.PIPE, text=True, check=True)
        self.found = {}
        for benchmark in json.loads(done.stdout)["benchmarks"]:
            if benchmark.get("error_occurred"):
                raise AssertionError(f"{benchmark['name']}: {benchmark['error_message']}")
            name, *arguments = benchmark["name"].split("/")
            runs = int(arguments[0]) if arguments and arguments[0].isdigit() else None
            self.found[name, runs] = self.nanoseconds(benchmark)

    @staticmethod
    def without_large(size):
        """Only what has no more runs than the size allows."""
        if size.curve_max >= 10_000_000:
            return []
        return [f"--benchmark_filter=-/[0-9]{{{len(str(size.curve_max)) + 1},}}"]

    @staticmethod
    def nanoseconds(benchmark):
        """Of an event or a deadline, where the benchmark says that; else of an iteration."""
        if "per_event" in benchmark:
            return benchmark["per_event"] * 1e9
        return benchmark["real_time"] * NANOSECONDS[benchmark["time_unit"]]

    def curve(self, name):
        """Runs to nanoseconds, in order."""
        return sorted((runs, ns) for (found, runs), ns in self.found.items()
                      if found == name and runs)

    def event_curve(self):
        return self.curve("fold_activity")

    def deadline_curve(self):
        return [(runs, ns / runs) for runs, ns in self.curve("expire_all")]


def rows(benchmarks):
    for runs, goal in ((1_000_000, 150), (10_000, 50)):
        ns = benchmarks.found.get(("fold_activity", runs))
        if ns is not None:
            yield Row(f"core alone: activity over {grouped(runs)} random runs, with source and seq",
                      f"≤ {goal} ns an event", f"{ns:.0f} ns", ns <= goal)
    ns = benchmarks.found["decode_event", None]
    yield Row("decode alone, typical event", "≤ 90 ns", f"{ns:.0f} ns", ns <= 90)
    ns = benchmarks.found["client_activity", None]
    yield Row("`activity()` in the client", "≤ 30 ns", f"{ns:.0f} ns", ns <= 30)
