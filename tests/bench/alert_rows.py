"""How late alerts are: under a load, all at once, and with a state file."""

import threading
import time

from contestants import Hbmond, hbload, throughput
from measures import Row, grouped, interleaved, lower_bound, median, rate, ratios
from questions import Questions

STALE = 'alerts_published_total{kind="stale"}'
STATE_MIX = "activity=99,register=1"
STATE_RATE = 50_000  # of which 500 registers


def delays(report):
    return (f"p50 {report['p50_ms']:.1f}, p99 {report['p99_ms']:.1f}, "
            f"p99.9 {report['p999_ms']:.1f}, max {report['max_ms']:.1f} ms")


def latency_rows(size):
    with Hbmond() as monitor:
        most = throughput(monitor, agents=size.runs, seconds=size.seconds)["events_per_s"]
        report = hbload(monitor, "latency", agents=size.runs, rate=int(most / 2),
                        silent=size.silent, over=size.over)
    yield Row(f"alert after its deadline, {grouped(size.runs)} runs, half of the maximal load "
              f"({rate(report['load_events_per_s'])})", "p99 ≤ 5 ms, p99.9 ≤ 10 ms",
              delays(report), report["p99_ms"] <= 5 and report["p999_ms"] <= 10)


class Beats(threading.Thread):
    """Listens to the monitor's beats until it is told to end."""

    def __init__(self, monitor):
        super().__init__()
        self.socket = monitor.subscribe("monitor.beat")
        self.over = threading.Event()
        self.longest_s = 0.0
        self.count = 0

    def run(self):
        last = time.monotonic()
        while not self.over.is_set():
            if self.socket.poll(100):
                self.socket.recv_multipart()
                now = time.monotonic()
                self.longest_s = max(self.longest_s, now - last)
                last = now
                self.count += 1


class Published(threading.Thread):
    """Asks for the counters until `count` alerts were published."""

    def __init__(self, monitor, count):
        super().__init__()
        self.questions = Questions(monitor, ["counters"])
        self.count = count
        self.over = threading.Event()
        self.at_ms = None  # epoch

    def run(self):
        while not self.over.is_set():
            reply = self.questions.ask_next()
            if reply["counters"][STALE] >= self.count:
                self.at_ms = time.time() * 1_000
                return
            time.sleep(0.005)


def at_once_rows(size):
    with Hbmond(alerts_kept=size.runs + 100_000) as monitor:
        beats, published = Beats(monitor), Published(monitor, size.runs)
        threads = [beats, published]
        for thread in threads:
            thread.start()
        try:
            report = hbload(monitor, "latency", silent=size.runs, over=0, rate=1_000)
        finally:
            for thread in threads:
                thread.over.set()
                thread.join()
    out_s = (published.at_ms - report["due_at"]) / 1_000 if published.at_ms else float("inf")
    all_s = report["max_ms"] / 1_000
    slowest_ms = max(published.questions.took_ms)
    what = f"{grouped(size.runs)} runs due within {report['deadlines_within_ms']:.0f} ms"
    yield Row(f"{what}: all alerts out", "≤ 3 s", f"{out_s:.2f} s", out_s <= 3)
    yield Row(f"{what}: a subscriber has all by id", "≤ 10 s", f"{all_s:.2f} s", all_s <= 10)
    yield Row(f"{what}: beats meanwhile, one a second", "none lost",
              f"{beats.count}, at most {beats.longest_s:.2f} s apart", beats.longest_s < 2)
    yield Row(f"{what}: longest turn (slowest answer to `counters`)", "≤ 20 ms",
              f"{slowest_ms:.1f} ms", slowest_ms <= 20)


def state_rows(size):
    options = {"agents": size.small_runs, "rate": STATE_RATE, "mix": STATE_MIX,
               "seconds": size.seconds}
    with Hbmond() as without, Hbmond(state=f"{without.path}/state") as monitor:
        ours, theirs = interleaved(size.pairs, lambda: throughput(monitor, **options),
                                   lambda: throughput(without, **options))
        report = hbload(monitor, "latency", agents=size.small_runs, rate=STATE_RATE,
                        mix=STATE_MIX, silent=size.silent, over=size.over)
    speed = ratios(ours, theirs)
    what = f"with --state, {grouped(size.small_runs)} runs, 50,000 events/s, 500 registers/s"
    yield Row(f"{what}: throughput against without", "no measurable loss",
              f"{median(speed):.3f} (lower bound {lower_bound(speed):.3f})", median(speed) >= 0.99)
    yield Row(f"{what}: alert after its deadline", "p99 ≤ 10 ms", delays(report),
              report["p99_ms"] <= 10)
