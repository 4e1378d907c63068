"""What the gateway answers to questions: every path as described, and what the answers mean."""

import http.client
import json
import os
import time
import unittest
import urllib.parse

import contract
from events import HOUR, activity, idle, register, told, unregister
from gateway import Answer, Gateway, quoted
from monitor import Monitor, alert_of, next_alert
from program import LIMIT, waited

EVENT = b'{"kind": "activity", "agent_id": "a"}'
# One request of each operation that a monitor with a run of the agent `a` and a state file grants.
GOOD = {
    "status": "/api/heartbeat/status", "agents": "/api/heartbeat/agents",
    "ranking": "/api/heartbeat/ranking", "agent": "/api/heartbeat/agents/a",
    "alerts": "/api/heartbeat/alerts", "history": "/api/heartbeat/history",
    "counters": "/api/heartbeat/counters", "events": "/api/heartbeat/events",
    "ping": "/ping/a", "pingWithDetail": "/ping/a", "pingStart": "/ping/a/start",
    "pingStartWithDetail": "/ping/a/start", "pingDone": "/ping/b/done",
    "pingDoneWithDetail": "/ping/b/done", "pingFail": "/ping/b/fail",
    "pingFailWithDetail": "/ping/b/fail", "healthz": "/healthz", "readyz": "/readyz",
    "metrics": "/metrics", "page": "/",
}
SILENT = {"status": 200, "history": 200, "healthz": 200, "metrics": 200, "page": 200}


def asked(gateway, method, operation, target):
    body = EVENT if operation["operationId"] == "events" else b"said" if method == "POST" else None
    return gateway.request(method, target, body, content_type="application/json")


def listed(gateway, **parameters):
    """All rows of `agents`, page by page, and the sizes of the pages."""
    rows, sizes = [], []
    while True:
        page = gateway.ask("agents", **parameters)
        rows += page["agents"]
        sizes.append(len(page["agents"]))
        if page["next"] is None:
            return rows, sizes
        parameters["after"] = page["next"]


class AsDescribed(unittest.TestCase):
    def each(self):
        for path, method, operation in contract.operations():
            if operation["operationId"] != "stream":
                yield path, method, operation, GOOD[operation["operationId"]]

    def test_each_path_is_asked_here(self):
        described = {operation["operationId"] for _, _, operation in contract.operations()}
        self.assertEqual(described, set(GOOD) | {"stream"})

    def test_each_path_answers(self):
        with WithState(stale_threshold_ms=100) as (monitor, gateway):
            alerts = monitor.subscribe()
            told(monitor, monitor.publisher(), register("a"), register("b"))
            next_alert(alerts)
            for _, method, operation, target in self.each():
                with self.subTest(operation["operationId"]):
                    answer = asked(gateway, method, operation, target)
                    writes = "write" in operation["tags"]
                    self.assertEqual(answer.status, 202 if writes else 200, answer.body)

    def test_each_path_answers_while_the_monitor_is_silent(self):
        with WithState() as (monitor, gateway):
            gateway.ready()
            monitor.process.kill()
            monitor.process.wait()
            for _, method, operation, target in self.each():
                with self.subTest(operation["operationId"]):
                    answer = asked(gateway, method, operation, target)
                    expected = SILENT.get(operation["operationId"], 503)
                    self.assertEqual(answer.status, expected, answer.body)
                    if expected == 503:
                        self.assertEqual(answer.code, "monitor_silent")
            monitor.start()

    def test_a_path_has_a_head_where_it_has_a_get(self):
        with WithState() as (monitor, gateway):
            told(monitor, monitor.publisher(), register("a"))
            for _, method, operation, target in self.each():
                if method == "GET" and "write" not in operation["tags"]:
                    head, get = gateway.request("HEAD", target), gateway.get(target)
                    self.assertEqual((head.status, head.headers["Content-Type"]),
                                     (get.status, get.headers["Content-Type"]))

    def test_wrong_parameters_are_named(self):
        wrong = {"integer": ["x", "-1", "1.5", "1e3", "", str(2**64)], "enum": ["no-such", ""]}
        with WithState() as (_, gateway):
            tried = 0
            for path, method, operation, target in self.each():
                for parameter in contract.parameters(path, operation):
                    if parameter["in"] != "query":
                        continue
                    schema = contract.resolved(parameter["schema"])
                    values = wrong["integer"] if "integer" in str(schema.get("type")) else \
                        wrong["enum"] if "enum" in schema or "pattern" in schema else []
                    if "maximum" in schema and schema["maximum"] < 2**64 - 1:
                        values = values + [str(schema["maximum"] + 1), str(schema["minimum"] - 1)]
                    for value in values:
                        name = parameter["name"]
                        query = urllib.parse.urlencode({name: value})
                        answer = asked(gateway, method, operation, f"{target}?{query}")
                        with self.subTest(f"{method} {target}?{query}"):
                            # Of an event, a number that is none of its own is the event's fault.
                            self.assertIn((answer.status, answer.code),
                                          [(400, "bad_argument"), (422, "rejected")])
                            self.assertIn(name, answer.json["error"]["message"])
                            tried += 1
            self.assertGreater(tried, 80)

    def test_a_parameter_that_a_path_has_not_or_has_twice_is_refused(self):
        with WithState() as (_, gateway):
            for _, method, operation, target in self.each():
                if operation["operationId"] == "page":
                    continue
                with self.subTest(operation["operationId"]):
                    answer = asked(gateway, method, operation, target + "?limmit=3")
                    self.assertEqual((answer.status, answer.code), (400, "bad_argument"))
                    self.assertIn("limmit", answer.json["error"]["message"])
            answer = gateway.get("/api/heartbeat/agents?limit=1&limit=2")
            self.assertEqual((answer.status, answer.code), (400, "bad_argument"))

    def test_other_paths_and_methods_are_refused(self):
        with WithState() as (_, gateway):
            for target in ("/api", "/api/heartbeat", "/api/heartbeat/", "/api/heartbeat/agents/",
                           "/api/heartbeat/agents/a/b", "/ping", "/ping/", "/ping/a/stop", "//",
                           "/api/heartbeat/status/", "/page", "/../etc/passwd", "/%2e%2e/page.css"):
                answer = gateway.get(target)
                self.assertEqual((answer.status, answer.code), (404, "no_such_path"), target)
            for path, _, _ in contract.operations():
                target = path.replace("{agent_id}", "a")
                has = {method for each, method, _ in contract.operations() if each == path}
                for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
                    if method not in has:
                        answer = gateway.request(method, target)
                        self.assertEqual((answer.status, answer.code), (405, "method_not_allowed"))
                        self.assertEqual(set(answer.headers["Allow"].split(", ")) - {"HEAD"}, has)


def without_v(alert):
    """A published alert as the gateway has it."""
    return {key: value for key, value in alert.items() if key != "v"}


class WithState:
    """A monitor that keeps a state file, and a gateway that reads it."""

    def __init__(self, **options):
        self.monitor = Monitor(**options)
        file = os.path.join(self.monitor.path, "state")
        self.monitor.arguments += ["--state", file]
        self.gateway = Gateway(self.monitor, state=file)

    def __enter__(self):
        self.monitor.__enter__()
        try:
            self.gateway.__enter__()
        except BaseException:
            self.monitor.discard()
            raise
        return self.monitor, self.gateway

    def __exit__(self, *error):
        try:
            self.gateway.__exit__(*error)
        finally:
            self.monitor.__exit__(*error)


class Status(unittest.TestCase):
    def test_it_has_the_keys_of_before(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            told(monitor, monitor.publisher(), register("a", task_id="T"), idle("b"))
            status = gateway.ask("status")
            self.assertEqual(status.keys(), {"success", "status", "monitor", "in_flight_agents",
                                             "timestamp"})
            self.assertEqual(status["monitor"].keys(),
                             {"running", "agents_monitoring", "agents", "config"})
            self.assertEqual((status["monitor"]["agents_monitoring"],
                              sorted(status["monitor"]["agents"])), (2, ["a", "b"]))
            said = monitor.ask("status")
            self.assertEqual(status["monitor"]["config"], said["monitor"]["config"])
            self.assertEqual(status["in_flight_agents"][0].keys(), said["in_flight_agents"][0].keys())

    def test_it_is_cut_at_its_limit(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            agent = monitor.publisher()
            agent.send([register(f"a{i}") for i in range(20)])
            monitor.settled(agent)
            status = gateway.ask("status", limit=5)
            self.assertEqual((len(status["in_flight_agents"]), status["monitor"]["agents_monitoring"]),
                             (5, 20))

    def test_a_silent_monitor_is_offline(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            gateway.ready()
            monitor.process.kill()
            monitor.process.wait()
            status = gateway.ask("status")
            self.assertEqual(status["status"], "offline")
            self.assertEqual(status["monitor"], {"running": False, "agents_monitoring": 0,
                                                 "agents": [], "config": None})
            monitor.start()
            waited("it is online again", lambda: gateway.ask("status")["status"] == "online")


class Agents(unittest.TestCase):
    def test_they_are_listed_once_each_page_by_page(self):
        names = sorted(f"a{i}" for i in range(250))
        with Monitor() as monitor, Gateway(monitor) as gateway:
            agent = monitor.publisher()
            agent.send([register(name) for name in names])
            monitor.settled(agent)
            rows, sizes = listed(gateway, limit=40)
            self.assertEqual(sorted(row["agent_id"] for row in rows), names)
            self.assertLessEqual(max(sizes), 40)
            rows, _ = listed(gateway, agent="a1?")
            self.assertEqual(len(rows), 10)

    def test_they_are_listed_by_state(self):
        with Monitor(stale_threshold_ms=150) as monitor, Gateway(monitor) as gateway:
            alerts = monitor.subscribe()
            told(monitor, monitor.publisher(), register("busy", stale_after_ms=HOUR),
                 idle("resting", stale_after_ms=HOUR), register("silent"))
            next_alert(alerts)
            for status, names in {"running": ["busy", "silent"], "idle": ["resting"],
                                  "stale": ["silent"]}.items():
                rows, _ = listed(gateway, status=status)
                self.assertEqual(sorted(row["agent_id"] for row in rows), names)

    def test_a_wrong_cursor_is_the_askers_fault(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            answer = gateway.get("/api/heartbeat/agents?after=nonsense")
            self.assertEqual((answer.status, answer.code), (400, "bad_argument"))


class Ranking(unittest.TestCase):
    COLUMNS = ("agent_id", "agent_type", "phase", "task_id", "idle_for_ms", "running_for_ms")

    def fleet(self, monitor):
        """Seven runs, two of them stale; distinct in every column."""
        alerts = monitor.subscribe()
        agent = monitor.publisher()
        told(monitor, agent,
             register("silent-long", task_id="T5", agent_type="tester", phase="p3", idle_for_ms=5_000,
                      running_for_ms=50_000),
             register("silent-short", task_id="T6", agent_type="writer", phase="p2",
                      idle_for_ms=2_000, running_for_ms=40_000),
             *[register(f"busy-{i}", task_id=f"T{i}", agent_type=f"coder{i}", phase=f"q{i}",
                        detail="Compiling" if i == 3 else "", stale_after_ms=HOUR * (9 - i),
                        idle_for_ms=i, running_for_ms=1_000 * (i + 1)) for i in range(5)])
        for _ in range(2):
            next_alert(alerts)

    def ranked(self, gateway, **parameters):
        """The ranking of a listing that has everybody: the last may be from before."""
        def look():
            ranking = gateway.ask("ranking", **parameters)
            stale = sum(row["stale"] for row in gateway.ask("ranking")["agents"])
            return ranking["listed"] == 7 and stale == 2 and ranking
        return waited("the listing is renewed", look)

    def names(self, gateway, **parameters):
        return [row["agent_id"] for row in self.ranked(gateway, **parameters)["agents"]]

    def setUp(self):
        monitor = Monitor(stale_threshold_ms=1_000, timeout_threshold_ms=100 * HOUR)
        self.enterContext(monitor)
        self.gateway = self.enterContext(Gateway(monitor))
        self.fleet(monitor)

    def test_who_needs_attention_comes_first(self):
        order = ["silent-long", "silent-short", "busy-4", "busy-3", "busy-2", "busy-1", "busy-0"]
        self.assertEqual(self.names(self.gateway), order)
        self.assertEqual(self.names(self.gateway, sort="-attention"), order[::-1])

    def test_it_is_sorted_by_each_column_both_ways(self):
        rows = self.ranked(self.gateway)["agents"]
        columns = {name: lambda row, name=name: row[name] for name in self.COLUMNS}
        columns["deadline_in_ms"] = lambda row: min(row["stale_in_ms"], row["timeout_in_ms"])
        for name, key in columns.items():
            if name == "deadline_in_ms":  # the stale ones are alike in it
                rows = [row for row in rows if not row["stale"]]
            values = {row["agent_id"]: key(row) for row in rows}
            for sort, reverse in ((name, False), (f"-{name}", True)):
                found = [values[each] for each in self.names(self.gateway, sort=sort)
                         if each in values]
                self.assertEqual(found, sorted(values.values(), reverse=reverse), sort)

    def test_it_is_searched_in_all_texts_in_whatever_case(self):
        for text, found in {"SILENT": 2, "t3": 1, "tester": 1, "q2": 1, "compil": 1, "nowhere": 0,
                            "%": 0, "": 7}.items():
            ranking = self.ranked(self.gateway, search=text)
            self.assertEqual((ranking["total"], ranking["listed"]), (found, 7), text)

    def test_it_is_filtered(self):
        self.assertEqual(self.names(self.gateway, agent_type="writer"), ["silent-short"])
        self.assertEqual(self.names(self.gateway, status="stale"), ["silent-long", "silent-short"])
        self.assertEqual(self.names(self.gateway, status="idle"), [])
        self.assertEqual(self.names(self.gateway, status="running", search="busy-1"), ["busy-1"])

    def test_a_part_of_it_is_shown(self):
        whole = self.names(self.gateway, sort="agent_id")
        part = self.ranked(self.gateway, sort="agent_id", offset=2, limit=3)
        self.assertEqual([row["agent_id"] for row in part["agents"]], whole[2:5])
        self.assertEqual(part["total"], 7)
        self.assertEqual(self.ranked(self.gateway, offset=7)["agents"], [])

    def test_it_says_how_old_it_is(self):
        ranking = self.ranked(self.gateway)
        self.assertFalse(ranking["truncated"])
        self.assertLess(abs(time.time() * 1000 - ranking["age_ms"] - ranking["listed_at"]), 5_000)
        later = waited("it is renewed", lambda: (
            now := self.gateway.ask("ranking"))["listed_at"] > ranking["listed_at"] and now)
        self.assertGreaterEqual(later["listed_at"] - ranking["listed_at"], 900)


class MoreThanAreListed(unittest.TestCase):
    LISTED = 200_000

    def look(self, monitor, **parameters):
        """By a gateway that has no listing yet: one of so many is kept for long."""
        with Gateway(monitor) as gateway:
            query = urllib.parse.urlencode(parameters)
            answer = gateway.request("GET", f"/api/heartbeat/ranking?{query}", timeout=4 * LIMIT)
            self.assertEqual((answer.json["listed"], answer.json["truncated"]), (self.LISTED, True))
            return answer.json

    def test_who_needs_attention_is_listed_all_the_same(self):
        silent = [f"silent-{i}" for i in range(1_500)]
        near = [f"near-{i}" for i in range(3)]
        with Monitor(stale_threshold_ms=HOUR, timeout_threshold_ms=9 * HOUR) as monitor:
            agent = monitor.publisher()
            for first in range(0, self.LISTED + 2_000, 1_000):
                agent.send([register(f"calm-{first + i}") for i in range(1_000)])
                monitor.settled(agent)
            for first in range(0, len(silent), 750):
                agent.send([register(name, stale_after_ms=1) for name in silent[first:first + 750]])
            told(monitor, agent, *[register(name, stale_after_ms=HOUR // 2) for name in near])
            waited("they are stale", lambda: monitor.counters()["runs_stale"] == len(silent))
            self.assertEqual(self.look(monitor, status="stale")["total"], len(silent))
            told(monitor, agent, *[unregister(name) for name in silent])
            rows = [row["agent_id"] for row in self.look(monitor)["agents"]]
            self.assertEqual((rows[:3], len(set(rows))), (near, 100))


class OneAgent(unittest.TestCase):
    def test_it_is_told_why(self):
        with Monitor(stale_threshold_ms=150) as monitor, Gateway(monitor) as gateway:
            alerts = monitor.subscribe()
            told(monitor, monitor.publisher(), register("dev", run_id="1", task_id="T"),
                 register("dev", run_id="2", stale_after_ms=HOUR))
            alert = alert_of(alerts, "dev", "stale")
            agent = waited("the alert is known", lambda: (
                agent := gateway.ask("agents/dev"))["alerts"] and agent)
            self.assertEqual(agent["alerts"], [without_v(alert)])
            runs = {run["run_id"]: run for run in agent["runs"]}
            self.assertEqual(runs.keys(), {"1", "2"})
            self.assertEqual((runs["1"]["stale"], runs["2"]["stale"]), (True, False))
            self.assertEqual(runs["1"]["episode"], alert["id"])
            self.assertEqual(runs["2"]["stale_after_from"], "promise")
            verdicts = {run_id: reason["severity"] for run_id, run in runs.items()
                        for reason in run["why"] if reason["about"] == "verdict"}
            self.assertEqual(verdicts, {"1": "warning", "2": ""})
            [run] = gateway.ask("agents/dev", run_id="2")["runs"]
            self.assertEqual(run["run_id"], "2")
            self.assertEqual(gateway.ask("agents/dev", run_id="2")["alerts"], [])

    def test_the_last_50_alerts_are_told_oldest_first(self):
        with Monitor(stale_threshold_ms=20, check_interval_ms=10,
                     stale_warning_only_once=False) as monitor, Gateway(monitor) as gateway:
            alerts = monitor.subscribe()
            told(monitor, monitor.publisher(), register("dev"))
            while next_alert(alerts)["seq"] < 60:
                pass
            found = waited("50 alerts", lambda: (
                found := gateway.ask("agents/dev")["alerts"]) and found[-1]["seq"] >= 60 and found)
            seqs = [alert["seq"] for alert in found]
            self.assertEqual(seqs, list(range(seqs[-1] - 49, seqs[-1] + 1)))

    def test_one_that_ended_is_not_found_and_it_is_said_how(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            told(monitor, monitor.publisher(), register("dev"), unregister("dev", outcome="done"),
                 activity("dev"))
            answer = gateway.get("/api/heartbeat/agents/dev")
            self.assertEqual((answer.status, answer.code), (404, "not_found"))
            error = answer.json["error"]
            self.assertEqual((error["ended_by"], error["outcome"], error["zombie_events"]),
                             ("unregister", "done", 1))
            self.assertLess(abs(error["ended_at"] - time.time() * 1000), 60_000)
            unknown = gateway.get("/api/heartbeat/agents/nobody").json["error"]
            self.assertEqual(unknown.keys(), {"code", "message"})

    def test_ids_of_any_form_are_found(self):
        ids = ["a/b", "..", ".", "é", "100%", "a b", "a+b", "a?b#c", "%2F", "<script>", "日本", "x" * 128]
        with Monitor() as monitor, Gateway(monitor) as gateway:
            told(monitor, monitor.publisher(), *[register(each) for each in ids])
            for each in ids:
                [run] = gateway.ask(f"agents/{quoted(each)}")["runs"]
                self.assertEqual(run["agent_id"], each)

    def test_a_path_that_cannot_be_read_is_refused(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            for segment, status in {"%": 400, "%4": 400, "%zz": 400, "%ff": 400, "%00": 400,
                                    "x" * 129: 400}.items():
                answer = gateway.get(f"/api/heartbeat/agents/{segment}")
                self.assertEqual((answer.status, answer.code), (status, "bad_argument"), segment[:9])


class Alerts(unittest.TestCase):
    def raised(self, monitor, names, **options):
        """Alerts about them; what the subscription delivered, without v."""
        alerts = monitor.subscribe()
        agent = monitor.publisher()
        agent.send([register(name, timeout_after_ms=1, **options) for name in names])
        return [without_v(next_alert(alerts)) for _ in names]

    def test_they_are_those_that_were_published(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            published = self.raised(monitor, [f"a{i}" for i in range(9)])
            answer = gateway.ask("alerts")
            self.assertEqual(answer["alerts"], published)
            self.assertEqual((answer["epoch"], answer["first_seq"], answer["last_seq"]),
                             (published[0]["epoch"], 1, 9))
            some = gateway.ask("alerts", since_seq=3, limit=2, epoch=answer["epoch"])
            self.assertEqual([alert["seq"] for alert in some["alerts"]], [4, 5])
            other = gateway.ask("alerts", since_seq=3, epoch="another")
            self.assertEqual(len(other["alerts"]), 9)

    def test_the_history_is_read_also_without_a_monitor(self):
        with WithState() as (monitor, gateway):
            published = self.raised(monitor, ["a1", "a2", "b1"])
            waited("they are written", lambda: len(gateway.ask("history")["alerts"]) == 3)
            monitor.process.kill()
            monitor.process.wait()
            self.assertEqual(gateway.ask("history")["alerts"], published)
            self.assertEqual([a["agent_id"] for a in gateway.ask("history", agent="a*")["alerts"]],
                             ["a1", "a2"])
            self.assertEqual([a["agent_id"] for a in gateway.ask("history", limit=2)["alerts"]],
                             ["a2", "b1"])
            last = published[-1]["raised_at"]
            self.assertEqual(gateway.ask("history", since=last + 1)["alerts"], [])
            self.assertIn(published[-1], gateway.ask("history", since=last)["alerts"])
            monitor.start()

    def test_without_a_state_file_there_is_no_history(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            answer = gateway.get("/api/heartbeat/history")
            self.assertEqual((answer.status, answer.code), (404, "no_state_file"))

    def test_a_state_file_that_cannot_be_read_is_said(self):
        with Monitor() as monitor:
            file = os.path.join(monitor.path, "state")
            with open(file, "w", encoding="ascii") as out:
                out.write("this is no database" * 100)
            with Gateway(monitor, state=file) as gateway:
                answer = gateway.get("/api/heartbeat/history")
                self.assertEqual((answer.status, answer.code), (503, "state_file_unusable"))
                self.assertIn(file, answer.json["error"]["message"])


class Counters(unittest.TestCase):
    def test_they_are_the_monitors(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            told(monitor, monitor.publisher(), register("a"), register("b", phase="x" * 65))
            counters = gateway.ask("counters")["counters"]
            said = monitor.counters()
            self.assertEqual(counters.keys(), said.keys())
            self.assertEqual(counters['events_rejected_total{reason="too_long"}'], 1)
            self.assertEqual(counters["runs_in_flight"], 1)


class Form(unittest.TestCase):
    def test_answers_are_for_whoever_asks_and_nobody_else(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            for target in ("/api/heartbeat/status", "/", "/nowhere", "/metrics"):
                headers = gateway.get(target).headers
                policy = dict(part.split(" ", 1) for part in
                              headers["Content-Security-Policy"].split("; "))
                self.assertEqual(policy["default-src"], "'none'")
                self.assertEqual(policy["script-src"], "'self'")
                self.assertEqual(policy["frame-ancestors"], "'none'")
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                self.assertNotIn("Access-Control-Allow-Origin", headers)
                self.assertEqual(headers["Cache-Control"],
                                 "no-cache" if target == "/" else "no-store")

    def test_the_page_is_not_sent_twice(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            first = gateway.get("/")
            self.assertTrue(first.body)
            again = gateway.get("/", if_none_match=first.headers["ETag"])
            self.assertEqual((again.status, again.body), (304, b""))

    def test_what_is_not_sent_twice_is_what_it_was(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            whole = self.page_css(gateway)
            self.assertEqual((whole.status, whole.headers["Content-Type"].partition(";")[0]),
                             (200, "text/css"))
            tag, length = whole.headers["ETag"], whole.headers["Content-Length"]
            self.assertGreater(int(length), 0)
            for tags in (tag, f"W/{tag}", f'"other", {tag}', f'W/"other",W/{tag}'):
                again = self.page_css(gateway, tags)
                self.assertEqual((again.status, again.body), (304, b""), tags)
                self.assertEqual((again.headers["Content-Type"], again.headers["ETag"]),
                                 (whole.headers["Content-Type"], tag))
                self.assertIn(again.headers["Content-Length"], (None, length))
            for tags in ('"other"', 'W/"other"', tag[:-2] + '"'):
                self.assertEqual(self.page_css(gateway, tags).status, 200, tags)

    def page_css(self, gateway, tags=None):
        """A file of the page, which the description leaves to the page."""
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=LIMIT)
        connection.request("GET", "/page.css", headers={"If-None-Match": tags} if tags else {})
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        return answer

    def test_a_target_may_be_absolute(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            for target in (b"http://localhost/healthz", b"http://127.0.0.1:5580/healthz"):
                answer = gateway.raw(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertRegex(answer, rb"(?s)^HTTP/1\.1 200 .*\{\"success\":true\}$", target)

    def test_whoever_only_looks_reports_nothing(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            for target in ("/ping/x", "/ping/x/start", "/ping/x/done", "/ping/x/fail",
                           "/api/heartbeat/events"):
                self.assertEqual(gateway.request("HEAD", target).status, 405, target)
            self.assertEqual(monitor.counters()["events_received_total"], 0)
            self.assertEqual(gateway.request("HEAD", "/healthz").status, 200)

    def test_several_requests_take_one_connection(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
            last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            answers = gateway.raw(request * 5 + last)
            self.assertEqual(answers.count(b'{"success":true}'), 6)

    def test_what_is_no_http_is_told_so(self):
        with Monitor() as monitor, Gateway(monitor) as gateway:
            for request in (b"hello\r\n\r\n", b"GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
                            b"GET / HTTP/1.1\r\n\r\n",
                            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                            b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n"):
                answer = gateway.raw(request)
                self.assertRegex(answer, rb"^HTTP/1\.1 400 ", request)
                body = json.loads(answer.partition(b"\r\n\r\n")[2])
                self.assertIs(body["success"], False)
            self.assertEqual(gateway.get("/healthz").status, 200)
