"""The rules for Prometheus are valid, and each is seen firing, and seen quiet."""

import pathlib
import subprocess
import unittest

import yaml

RULES = pathlib.Path(__file__).resolve().parents[2] / "tools" / "hbgate" / "rules"


def rules():
    document = yaml.safe_load((RULES / "heartbeat.rules.yml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def looks():
    """What the test file expects to fire, at each of its looks."""
    document = yaml.safe_load((RULES / "heartbeat.test.yml").read_text())
    for test in document["tests"]:
        for look in test["promql_expr_test"]:
            yield test["name"], " ".join(sample["labels"] for sample in look["exp_samples"])


class AlertingRules(unittest.TestCase):
    def promtool(self, *arguments):
        done = subprocess.run(["promtool", *arguments], cwd=RULES, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_promtool_takes_them(self):
        self.promtool("check", "rules", "--lint=all", "--lint-fatal", "heartbeat.rules.yml")
        self.promtool("check", "config", "prometheus.yml")

    def test_they_fire_when_they_should(self):
        self.promtool("test", "rules", "heartbeat.test.yml")

    def test_each_is_seen_firing_after_it_was_quiet(self):
        seen = list(looks())
        for rule in rules():
            name = f'"{rule["alert"]}"'
            firing = {test for test, alerts in seen if name in alerts}
            quiet = {test for test, alerts in seen if name not in alerts}
            self.assertTrue(firing & quiet, f"{name} fires in {firing}, and is quiet in {quiet}")

    def test_each_says_what_it_means(self):
        for rule in rules():
            self.assertEqual(rule["annotations"].keys(), {"summary", "description"}, rule["alert"])
            self.assertIn(rule["labels"]["severity"], ("warning", "critical"), rule["alert"])
