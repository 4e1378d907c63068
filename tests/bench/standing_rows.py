"""What a monitor costs that is merely there, and how it answers while it is busy."""

import subprocess
import time

from contestants import Hbmond, hbload_command, throughput
from measures import Row, grouped, median, percentile
from questions import Questions


def memory_rows(size):
    for own_sources, goal in ((False, 200), (True, 300)):
        for runs in size.footprint_runs:
            with Hbmond() as monitor:
                before = monitor.memory_bytes()
                throughput(monitor, agents=runs, count=0, source_per_agent=own_sources)
                each = (monitor.memory_bytes() - before) / runs
            each_own = ", a source of its own for each" if own_sources else ""
            yield Row(f"memory at {grouped(runs)} runs{each_own}", f"≤ {goal} bytes a run",
                      f"{each:.0f} bytes", each <= goal)


def question_rows(size):
    """A question comes anywhere in a turn and waits for its end: half a turn is the median."""
    with Hbmond() as monitor:
        throughput(monitor, agents=size.runs, count=0)
        questions = Questions(monitor, ["status", "ping", "counters"])
        arguments, environment = hbload_command(monitor, "throughput", agents=size.runs,
                                                seconds=3 * size.seconds)
        with subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL) as load:
            while load.poll() is None:
                questions.ask_next()
                time.sleep(0.002)
        assert load.returncode == 0, f"hbload: exit code {load.returncode}"
    took = questions.took_ms
    p50, p99 = median(took), percentile(took, 0.99)
    yield Row(f"`status`, `ping`, `counters` under full load, {grouped(size.runs)} runs",
              "p99 ≤ 2 ms beyond one turn (twice the median)",
              f"p50 {p50:.2f}, p99 {p99:.2f}, max {max(took):.2f} ms", p99 <= 2 + 2 * p50)


def processor_s(pid):
    """Of all its threads, to the nanosecond: the clock that clock_getcpuclockid() names."""
    return time.clock_gettime((~pid << 3) | 2)


def idle_rows(size):
    with Hbmond() as monitor:
        throughput(monitor, agents=size.small_runs, count=0)
        worked, began = processor_s(monitor.pid), time.monotonic()
        time.sleep(size.quiet_seconds)
        share = (processor_s(monitor.pid) - worked) / (time.monotonic() - began) * 100
    yield Row(f"idle CPU, {grouped(size.small_runs)} quiet runs", "< 0.2 %", f"{share:.2f} %",
              share < 0.2)
