"""What a row of the table says, and how it comes from many noisy measurements."""

import dataclasses
import math
import statistics
from typing import Optional


@dataclasses.dataclass
class Row:
    what: str
    goal: str
    measured: str
    met: Optional[bool]  # None = nothing is asked of it


@dataclasses.dataclass
class Size:
    """How much is measured; the brief one only proves that everything works."""
    pairs: int = 15
    seconds: float = 2
    runs: int = 1_000_000        # of the monitor held against the bare loop
    small_runs: int = 100_000
    redis_count: int = 1_000_000
    silent: int = 20_000
    over: float = 20
    quiet_seconds: float = 20
    bench_min_time: float = 0.5
    curve_max: int = 10_000_000
    footprint_runs: tuple = (1_000_000,)


BRIEF = Size(pairs=2, seconds=0.2, runs=2_000, small_runs=1_000, redis_count=20_000, silent=200,
             over=0.5, quiet_seconds=0.5, bench_min_time=0.01, curve_max=10_000,
             footprint_runs=(2_000,))


def interleaved(pairs, one, other):
    """A B A B …, each in its turn; the first pair only warms up. Two lists of results."""
    one(), other()
    results = [(one(), other()) for _ in range(pairs)]
    return [first for first, _ in results], [second for _, second in results]


def lower_bound(values, confidence=0.9):
    """Below which the median of all such values is not, at this confidence, whatever their
    distribution: the order statistic that the binomial distribution names."""
    ordered = sorted(values)
    count = len(ordered)
    below = 0.0  # chance that so few of the values lie below the true median
    for rank in range(count):
        below += math.comb(count, rank) / 2 ** count
        if below > 1 - confidence:
            return ordered[max(rank - 1, 0)]
    return ordered[-1]


def ratios(these, those, key="events_per_s"):
    return [this[key] / that[key] for this, that in zip(these, those)]


def median(values):
    return statistics.median(values)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def rate(number):
    """Events a second, for people."""
    return f"{number / 1e6:.2f} M/s" if number >= 1e6 else f"{number / 1e3:.0f} k/s"


def grouped(number):
    return f"{number:,}"
