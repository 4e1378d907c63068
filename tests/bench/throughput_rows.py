"""Events a second, each against another receiver of the same messages in the same run."""

from contestants import Hbmond, Redis, bare, python_monitor, throughput
from measures import Row, grouped, interleaved, lower_bound, median, rate, ratios


def cpu(results):
    return median([result["receiver_cpu_ns_per_event"] for result in results])


def spread(values):
    return f"{median(values):.2f} (lower bound {lower_bound(values):.2f})"


def against_bare(size, transport, batch):
    options = {"agents": size.runs, "batch": batch, "seconds": size.seconds}
    with Hbmond(transport) as monitor, bare(transport) as loop:
        ours, theirs = interleaved(size.pairs, lambda: throughput(monitor, **options),
                                   lambda: throughput(loop, **options))
    speed = ratios(ours, theirs)
    cost, floor = cpu(ours), cpu(theirs)
    measured = (f"{spread(speed)}: {rate(median([r['events_per_s'] for r in ours]))}; "
                f"CPU {cost:.0f} against {floor:.0f} ns an event")
    runs = grouped(size.runs)
    if batch == 1:
        return Row(f"single events over {transport}, {runs} runs",
                   "≥ 0.95 of a bare libzmq loop (lower bound ≥ 0.85); CPU ≤ 1.3 ×",
                   f"{measured} ({cost / floor:.2f} ×)",
                   median(speed) >= 0.95 and lower_bound(speed) >= 0.85 and cost <= 1.3 * floor)
    return Row(f"batches of {batch} over {transport}, {runs} runs",
               "≥ 0.7 of the bare loop; CPU ≤ 150 ns an event above it",
               f"{measured} (+{cost - floor:.0f} ns)",
               median(speed) >= 0.7 and cost - floor <= 150)


def bare_rows(size):
    for transport in ("ipc", "tcp"):
        for batch in (1, 64):
            yield against_bare(size, transport, batch)


def python_rows(size):
    for batch, name in ((1, "single events"), (64, "batches of 64")):
        options = {"agents": size.small_runs, "batch": batch, "seconds": size.seconds}
        with Hbmond() as monitor, python_monitor() as other:
            ours, theirs = interleaved(size.pairs, lambda: throughput(monitor, **options),
                                       lambda: throughput(other, **options))
        speed = ratios(ours, theirs)
        yield Row(f"the same monitor in Python (pyzmq, msgpack), {name}", "≥ 10 ×",
                  f"{spread(speed)} ×; Python {rate(median([r['events_per_s'] for r in theirs]))}",
                  median(speed) >= 10)


def redis_rows(size):
    """Redis gets a ZADD for each heartbeat, from 50 clients, over TCP like the monitor."""
    for batch, pipeline, goal in ((64, 64, 8), (1, 64, 3), (1, 1, None)):
        options = {"agents": size.runs, "batch": batch, "seconds": size.seconds}
        count = size.redis_count if pipeline > 1 else size.redis_count // 10
        with Hbmond("tcp") as monitor, Redis() as redis:
            redis.heartbeats_per_s(size.runs, 2 * size.redis_count, 64)  # most of the keys are there
            ours, theirs = interleaved(
                size.pairs, lambda: throughput(monitor, **options)["events_per_s"],
                lambda: redis.heartbeats_per_s(size.runs, count, pipeline))
        speed = [our / their for our, their in zip(ours, theirs)]
        kind = "single events" if batch == 1 else f"batches of {batch}"
        yield Row(f"Redis, ZADD {f'pipelined by {pipeline}' if pipeline > 1 else 'one by one'}: "
                  f"{kind} against it",
                  f"≥ {goal} ×" if goal else "",
                  f"{spread(speed)} ×; Redis {rate(median(theirs))}",
                  None if goal is None else median(speed) >= goal)
