"""How long after its deadline an alert leaves the monitor, and reaches a subscriber.

Registers many runs whose deadlines are spread over a while, and reads every alert. Read by people:

    HEARTBEAT_BIN_DIR=build/release/bin /usr/bin/python3 tests/bench/latency.py [runs] [seconds]
"""

import pathlib
import sys
import time

import msgpack

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))
from monitor import LIMIT, Monitor, receive  # noqa: E402 (found through the line above)

BATCH = 1_000


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def report(title, delays):
    ordered = sorted(delays)
    print(f"{title}: p50 {percentile(ordered, 0.5):.0f} ms, "
          f"p99 {percentile(ordered, 0.99):.0f} ms, max {ordered[-1]:.0f} ms")


def main(runs=100_000, spread_s=20):
    first_ms = 10_000  # time enough to register them all before the first is due
    with Monitor(log_level="warn", runs_max=2 * runs) as monitor:
        agent, alerts = monitor.publisher(), monitor.subscribe("alert.error.timeout.")
        began = time.monotonic()
        for first in range(0, runs, BATCH):
            agent.send([{"kind": "register", "agent_id": f"agent-{i}",
                         "timeout_after_ms": first_ms + i * spread_s * 1_000 // runs}
                        for i in range(first, min(first + BATCH, runs))])
        monitor.settled(agent)
        print(f"{runs} runs registered in {time.monotonic() - began:.1f} s; "
              f"deadlines spread over {spread_s} s")
        judged, received = [], []
        while len(judged) < runs:
            topic, payload = receive(alerts, LIMIT + first_ms / 1_000)
            now_ms = time.time() * 1_000
            if topic.startswith(b"alert."):
                alert = msgpack.unpackb(payload)
                late_ms = alert["elapsed_ms"] - alert["threshold_ms"]
                judged.append(late_ms)
                received.append(late_ms + max(0.0, now_ms - alert["raised_at"]))
        report("deadline to alert, in the monitor", judged)
        report("deadline to alert, in this subscriber", received)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
