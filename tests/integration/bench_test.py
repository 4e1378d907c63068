"""The table of ./tools/bench says what was measured, and does not flatter."""

import pathlib
import subprocess
import sys
import unittest
import xml.etree.ElementTree as xml

BENCH = pathlib.Path(__file__).resolve().parents[1] / "bench"
sys.path.insert(0, str(BENCH))

import bench  # noqa: E402 (found through the line above)
import contestants  # noqa: E402
import curves  # noqa: E402
from measures import Row, interleaved, lower_bound, percentile  # noqa: E402


class Measures(unittest.TestCase):
    def test_the_lower_bound_of_fifteen_is_the_fifth(self):
        # P(at most 4 of 15 lie below the median) = 0.059, at most 5: 0.151.
        self.assertEqual(lower_bound(list(range(15, 0, -1))), 5)

    def test_the_lower_bound_of_few_is_the_least(self):
        self.assertEqual(lower_bound([3.0, 2.0]), 2.0)
        self.assertEqual(lower_bound([7.0]), 7.0)

    def test_contestants_take_turns_and_the_first_turn_does_not_count(self):
        turns = []

        def contestant(name):
            return lambda: turns.append(name) or len(turns)
        ours, theirs = interleaved(2, contestant("a"), contestant("b"))
        self.assertEqual(turns, ["a", "b"] * 3)
        self.assertEqual((ours, theirs), ([3, 5], [4, 6]))

    def test_a_percentile_is_one_of_the_values(self):
        self.assertEqual(percentile(range(1, 101), 0.99), 99)
        self.assertEqual(percentile([5], 0.5), 5)


class Table(unittest.TestCase):
    ROWS = [Row("fast | faster", "≥ 2 ×", "3 ×", True), Row("small", "≤ 1", "2", False),
            Row("told", "", "4", None)]

    def test_a_miss_is_shown_as_one(self):
        last_cells = [line.split()[-1] for line in bench.as_text(self.ROWS).splitlines()]
        self.assertEqual(last_cells[1:3], ["met", "MISSED"])

    def test_markdown_has_four_cells_in_each_line(self):
        lines = bench.as_markdown(self.ROWS).splitlines()
        self.assertEqual(len(lines), 5)
        self.assertIn("fast \\| faster", lines[2])
        self.assertTrue(all(line.replace("\\|", "").count("|") == 5 for line in lines), lines)

    def test_an_unknown_group_is_refused(self):
        done = subprocess.run(["/usr/bin/python3", BENCH / "bench.py", "--only", "dance"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no group matches 'dance'", done.stderr)


class Curves(unittest.TestCase):
    def test_points_lie_higher_where_they_cost_more(self):
        drawn = curves.svg("title", {"a": [(1_000, 50.0), (10_000, 100.0), (1_000_000, 400.0)]})
        name = "{http://www.w3.org/2000/svg}circle"
        points = [(float(circle.get("cx")), float(circle.get("cy")))
                  for circle in xml.fromstring(drawn).iter(name)]
        self.assertEqual(len(points), 3)
        self.assertEqual(points, sorted(points))
        self.assertEqual([y for _, y in points], sorted((y for _, y in points), reverse=True))
        # A decade more is a third of the way.
        left, second, right = (x for x, _ in points)
        self.assertAlmostEqual((second - left) / (right - left), 1 / 3, places=2)


class Losses(unittest.TestCase):
    def test_a_contestant_that_refuses_events_fails_the_bench(self):
        with contestants.Hbmond(runs_max=10) as monitor:
            with self.assertRaisesRegex(contestants.Failed, "exit code 1"):
                contestants.throughput(monitor, agents=11, count=0)


if __name__ == "__main__":
    unittest.main()
