"""/metrics as Prometheus reads it: promtool finds no fault, a real Prometheus scrapes it and knows
the rules, and everything that the monitor counts is there."""

import json
import pathlib
import re
import socket
import subprocess
import unittest
import urllib.error
import urllib.parse
import urllib.request

import yaml

from events import HOUR, activity, idle, register, told, unregister
from gateway import Gateway
from monitor import Monitor, next_alert
from program import LIMIT, Program, waited

RULES = pathlib.Path(__file__).resolve().parents[2] / "tools" / "hbgate" / "rules"
SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
# The monitor's unit to Prometheus' base unit.
UNITS = {"_ms": ("_seconds", 1e3), "_us": ("_seconds", 1e6), "_bytes": ("_memory_bytes", 1)}
RENAMED = {"runs_by_type": "runs", "stale_runs_by_type": "runs_stale"}


def labels_of(text, divisor=1):
    """Sorted, and a bucket's bound as a number."""
    labels = dict(LABEL.findall(text or ""))
    if "le" in labels:
        labels["le"] = float(labels["le"].replace("+Inf", "inf")) / divisor
    return tuple(sorted(labels.items()))


def samples(gateway):
    """(name, labels) of each sample to its value, and the type of each family."""
    found, types = {}, {}
    for line in gateway.get("/metrics").body.decode().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types, f"{name} begins twice"
            types[name] = kind
        elif not line.startswith("#"):
            name, labels, value = SAMPLE.fullmatch(line).groups()
            key = name, labels_of(labels)
            assert key not in found, f"{key} is there twice"
            found[key] = float(value)
    return found, types


def expected(counter, value):
    """Name, labels and value that a counter of the monitor has here."""
    name, labels = re.fullmatch(r"([a-z0-9_]+)(?:\{(.*)\})?", counter).groups()
    base, suffix = re.fullmatch(r"(.*?)(_total|_bucket|_sum|_count|)", name).groups()
    factor = 1
    for unit, (here, divisor) in UNITS.items():
        if base.endswith(unit):
            base, factor = base.removesuffix(unit) + here, divisor
    if suffix not in ("_bucket", "_count"):
        value /= factor
    return f"heartbeat_{RENAMED.get(base, base)}{suffix}", labels_of(labels, factor), value


class Metrics(unittest.TestCase):
    def busy(self, monitor):
        """A little of everything that is counted."""
        alerts = monitor.subscribe()
        agent = monitor.publisher()
        told(monitor, agent, register("a", agent_type="coder", stale_after_ms=HOUR),
             register("b", agent_type='odd "type" \\ here'), idle("c", stale_after_ms=HOUR),
             register("d", timeout_after_ms=1), register("e"), unregister("e", outcome="done"),
             activity("e"), register("f", phase="x" * 65))
        next_alert(alerts), next_alert(alerts)

    def test_promtool_finds_no_fault(self):
        with Monitor(stale_threshold_ms=150) as monitor, Gateway(monitor) as gateway:
            for what in ("quiet", "busy", "silent"):
                if what == "busy":
                    self.busy(monitor)
                    gateway.get("/nowhere")
                elif what == "silent":
                    monitor.process.kill()
                    monitor.process.wait()
                answer = gateway.get("/metrics")
                self.assertTrue(answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
                checked = subprocess.run(["promtool", "check", "metrics"], input=answer.body,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                         timeout=LIMIT)
                self.assertEqual((checked.returncode, checked.stdout), (0, b""), what)
            monitor.start()

    def test_everything_that_the_monitor_counts_is_there(self):
        moving = re.compile(r"uptime|cpu|resident|fds|status_requests|turn|lag|stall")
        with Monitor(stale_threshold_ms=150) as monitor, Gateway(monitor) as gateway:
            self.busy(monitor)
            found, types = samples(gateway)
            counters = monitor.counters()
            for counter, value in counters.items():
                if counter == "runs_stale" and any("stale_runs_by_type" in c for c in counters):
                    continue  # their sum
                name, labels, value = expected(counter, value)
                with self.subTest(counter):
                    self.assertIn((name, labels), found)
                    if not moving.search(counter):
                        self.assertAlmostEqual(found[name, labels], value)
                    family = re.sub("_(bucket|sum|count)$", "", name)
                    self.assertEqual(types[name if name in types else family],
                                     "counter" if name.endswith("_total") else
                                     "histogram" if family != name else "gauge")

    def test_the_gateway_counts_itself(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            gateway.get("/nowhere")
            found, types = samples(gateway)
            found, types = samples(gateway)
            responses = {labels: value for (name, labels), value in found.items()
                         if name == "heartbeat_gateway_responses_total"}
            self.assertEqual(responses, {(("code", "200"),): 1, (("code", "404"),): 1})
            self.assertEqual(found["heartbeat_gateway_connections", ()], 1)
            self.assertEqual(found["heartbeat_gateway_streams", ()], 0)
            self.assertGreater(found["process_resident_memory_bytes", ()], 1e6)
            self.assertGreater(found["process_open_fds", ()], 5)
            self.assertGreaterEqual(found["process_max_fds", ()], found["process_open_fds", ()])
            self.assertEqual(found["heartbeat_up", ()], 1)
            with gateway.stream():
                self.assertEqual(samples(gateway)[0]["heartbeat_gateway_streams", ()], 1)

    def test_a_silent_monitor_is_down_and_nothing_else_is_said_of_it(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            gateway.ready()
            monitor.process.kill()
            monitor.process.wait()
            found, _ = samples(gateway)
            self.assertEqual(found["heartbeat_up", ()], 0)
            strange = [name for name, _ in found if not re.match(
                "heartbeat_up$|heartbeat_gateway_|process_", name)]
            self.assertEqual(strange, [])
            monitor.start()

    def test_agents_that_name_a_type_each_are_few_series(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            agent = monitor.publisher()
            agent.send([register(f"a{i}", agent_type=f"type-{i}") for i in range(500)])
            agent.send([unregister(f"a{i}", outcome=f"outcome-{i}") for i in range(250)])
            monitor.settled(agent)
            found, _ = samples(gateway)
            types, outcomes = (
                {dict(labels)[label] for name, labels in found if name == family}
                for family, label in (("heartbeat_runs", "agent_type"),
                                      ("heartbeat_runs_ended_total", "outcome")))
            for values in (types, outcomes):
                self.assertIn("other", values)
                self.assertLessEqual(len(values), 52)
            self.assertEqual(sum(value for (name, _), value in found.items()
                                 if name == "heartbeat_runs"), 250)
            self.assertEqual(sum(value for (name, _), value in found.items()
                                 if name == "heartbeat_runs_ended_total"), 250)

    def test_the_version_is_told(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            version = monitor.ask("ping")["version"]
            self.assertEqual(samples(gateway)[0]["heartbeat_build_info", (("version", version),)], 1)


class Prometheus(Program):
    """A real one, on a port of its own, with the project's own configuration; a context manager."""

    stop_limit = LIMIT

    def __init__(self, gateway):
        super().__init__("prometheus")
        folder = pathlib.Path(self.path)
        config = (RULES / "prometheus.yml").read_text()
        config = config.replace("127.0.0.1:5580", f"127.0.0.1:{gateway.port}")
        config = re.sub(r"(_interval): 15s", r"\1: 250ms", config)
        (folder / "prometheus.yml").write_text(config)
        (folder / "heartbeat.rules.yml").write_text((RULES / "heartbeat.rules.yml").read_text())
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"127.0.0.1:{free.getsockname()[1]}"

    def start(self):
        self.run(["prometheus", f"--config.file={self.path}/prometheus.yml",
                  f"--storage.tsdb.path={self.path}/data",
                  f"--web.listen-address={self.address}"])

    def ask(self, path, **parameters):
        """The data of an answer, or None while it does not listen yet."""
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"http://{self.address}/api/v1/{path}?{query}",
                                        timeout=LIMIT) as response:
                return json.load(response)["data"]
        except (ConnectionError, urllib.error.URLError):
            self.check_running()
            return None

    def value(self, query):
        """What a query of one series has, or None."""
        data = self.ask("query", query=query)
        if not data or not data["result"]:
            return None
        [series] = data["result"]
        return float(series["value"][1])


class Scraped(unittest.TestCase):
    def test_a_real_prometheus_scrapes_it_and_judges_by_the_rules(self):
        with Monitor(stale_threshold_ms=150) as monitor, Gateway(monitor) as gateway, \
                Prometheus(gateway) as prometheus:
            alerts = monitor.subscribe()
            told(monitor, monitor.publisher(), register("a", agent_type="coder"),
                 register("b", timeout_after_ms=1))
            next_alert(alerts), next_alert(alerts)
            waited("it is scraped", lambda: prometheus.value(
                'heartbeat_alerts_published_total{kind="timeout"}') == 1)
            self.assertEqual(prometheus.value('up{job="heartbeat"}'), 1)
            self.assertEqual(prometheus.value("heartbeat_up"), 1)
            self.assertEqual(prometheus.value("sum(heartbeat_runs_stale)"), 1)
            [target] = prometheus.ask("targets")["activeTargets"]
            self.assertEqual((target["health"], target["lastError"]), ("up", ""))
            rules = waited("the rules are judged", lambda: self.judged(prometheus))
            names = {rule["alert"] for group in yaml.safe_load(
                (RULES / "heartbeat.rules.yml").read_text())["groups"] for rule in group["rules"]}
            self.assertEqual({rule["name"] for rule in rules}, names)
            self.assertEqual([rule for rule in rules if rule["health"] != "ok"], [])
            monitor.process.kill()
            monitor.process.wait()
            waited("it is down", lambda: prometheus.value("heartbeat_up") == 0)
            waited("the rule sees it", lambda: prometheus.value(
                'ALERTS{alertname="HeartbeatMonitorDown"}') == 1)
            monitor.start()
            waited("it is up", lambda: prometheus.value("heartbeat_up") == 1)

    def judged(self, prometheus):
        """The rules, once each was judged while the silent run was known and the gateway up: of
        what was judged before the first scrape, each group keeps the verdict for its interval."""
        data = prometheus.ask("rules")
        rules = [rule for group in data["groups"] for rule in group["rules"]] if data else []
        states = {rule["name"]: rule["state"] for rule in rules}
        seen = states.get("HeartbeatRunsStale", "inactive") != "inactive"
        return seen and states["HeartbeatGatewayDown"] == "inactive" and all(rule["health"] != "unknown" for rule in rules) and rules

    def test_the_rules_ask_for_what_there_is(self):
        names = set(re.findall(r"\b(?:heartbeat|process)_[a-z_]+\b", "".join(
            rule["expr"] for group in yaml.safe_load(
                (RULES / "heartbeat.rules.yml").read_text())["groups"] for rule in group["rules"])))
        self.assertGreater(len(names), 12)
        with Monitor(stale_threshold_ms=50) as monitor, Gateway(monitor) as gateway:
            alerts = monitor.subscribe()
            told(monitor, monitor.publisher(), register("a"))
            next_alert(alerts)
            there = {name for name, _ in samples(gateway)[0]}
            self.assertEqual(names - there, set())
