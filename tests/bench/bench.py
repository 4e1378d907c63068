"""Measures everything that is promised of speed and prints one table; see ./tools/bench --help."""

import argparse
import datetime
import fnmatch
import pathlib
import os
import platform
import re
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import alert_rows  # noqa: E402 (found through the line above)
import core_rows  # noqa: E402
import curves  # noqa: E402
import standing_rows  # noqa: E402
import throughput_rows  # noqa: E402
from contestants import BIN_DIR  # noqa: E402
from measures import BRIEF, Size  # noqa: E402

GROUPS = {
    "bare": throughput_rows.bare_rows,
    "core": None,  # heartbeat_bench, and the curves
    "latency": alert_rows.latency_rows,
    "at-once": alert_rows.at_once_rows,
    "memory": standing_rows.memory_rows,
    "questions": standing_rows.question_rows,
    "idle": standing_rows.idle_rows,
    "redis": throughput_rows.redis_rows,
    "python": throughput_rows.python_rows,
    "state": alert_rows.state_rows,
}
VERDICTS = {True: "met", False: "MISSED", None: ""}
HEADINGS = ("what", "goal", "measured", "")


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        model = re.search(r"model name\s*:\s*(.*)", cpuinfo.read())
    name = model[1] if model else platform.machine()
    return f"{datetime.date.today().isoformat()}, {name}, {os.cpu_count()} cores"


def cells(row):
    return row.what, row.goal, row.measured, VERDICTS[row.met]


def as_text(rows):
    table = [HEADINGS, *map(cells, rows)]
    widths = [max(len(line[column]) for line in table) for column in range(4)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in table)


def as_markdown(rows):
    lines = [HEADINGS, ("---",) * 4, *map(cells, rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"
                     for line in lines)


def write_curves(path, benchmarks):
    drawn = {"an event": benchmarks.event_curve(), "a deadline": benchmarks.deadline_curve()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(curves.svg("Nanoseconds in the core for each", drawn), encoding="utf-8")


def measure(groups, size, svg, judged):
    """Not judged: so little was measured that the figures say nothing."""
    rows = []
    for name in groups:
        print(f"==> measuring: {name}", file=sys.stderr, flush=True)
        if name == "core":
            benchmarks = core_rows.Benchmarks(size)
            measured = core_rows.rows(benchmarks)
            write_curves(svg, benchmarks)
        else:
            measured = GROUPS[name](size)
        for row in measured:
            row.met = row.met if judged else None
            print(f"    {row.what}: {row.measured} {VERDICTS[row.met]}", file=sys.stderr, flush=True)
            rows.append(row)
    return rows


def parse_arguments():
    parser = argparse.ArgumentParser(prog="./tools/bench", description=__doc__.split(";")[0])
    parser.add_argument("--only", metavar="PATTERN", default="*",
                        help="only the groups that match (*): " + ", ".join(GROUPS))
    parser.add_argument("--brief", action="store_true",
                        help="a little of everything, to see that all of it works; times say nothing")
    parser.add_argument("--pairs", metavar="N", type=int, help="of contestants that are held "
                        "against each other (default 15; --brief: 2)")
    parser.add_argument("--all", action="store_true", help="memory also at 10,000,000 runs")
    parser.add_argument("--markdown", action="store_true", help="the table as README has it")
    parser.add_argument("--svg", metavar="FILE", type=pathlib.Path,
                        default=pathlib.Path(BIN_DIR).parent / "curves.svg",
                        help="where the cost curves are drawn (default %(default)s)")
    arguments = parser.parse_args()
    arguments.groups = [name for name in GROUPS if fnmatch.fnmatch(name, arguments.only)]
    if arguments.pairs is not None and arguments.pairs < 1:
        parser.error(f"--pairs: expected at least 1, got {arguments.pairs}")
    if not arguments.groups:
        parser.error(f"--only: no group matches '{arguments.only}'; there are {', '.join(GROUPS)}")
    return arguments


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ends contestants too
    size = BRIEF if arguments.brief else Size()
    size.pairs = arguments.pairs or size.pairs
    if arguments.all:
        size.footprint_runs += (10 * size.footprint_runs[-1],)
    rows = measure(arguments.groups, size, arguments.svg, not arguments.brief)
    print(f"Measured by `./tools/bench` on {machine()}.\n")
    print(as_markdown(rows) if arguments.markdown else as_text(rows))


if __name__ == "__main__":
    main()
