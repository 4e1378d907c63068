"""Events and pings over HTTP: they count when they are accepted, all or none, and are told apart."""

import concurrent.futures
import json
import select
import signal
import time
import unittest

from contract import SCHEMAS
from events import HOUR, activity, register, told, unregister
from gateway import Gateway, quoted
from monitor import Monitor
from program import LIMIT, waited

DECIDED_LATER = {"forbidden", "rate_limited", "too_many_runs"}  # by the monitor alone
LONGEST = {"agent_id": 128, "run_id": 128, "task_id": 128, "agent_type": 64, "outcome": 64}


def received(monitor):
    return monitor.counters()["events_received_total"]


class WithGateway(unittest.TestCase):
    options = {}

    def setUp(self):
        self.monitor = self.enterContext(Monitor(**self.options))
        self.gateway = self.enterContext(Gateway(self.monitor)).ready()

    def row(self, agent_id, **arguments):
        """The only run of an agent, as the monitor has it now."""
        [run] = self.monitor.ask("agent", agent_id=agent_id, **arguments)["runs"]
        return run

    def how_ended(self, agent_id):
        return self.monitor.request({"cmd": "agent", "agent_id": agent_id})["error"].get("outcome")


class Events(WithGateway):
    def test_one_counts_once_it_is_accepted(self):
        for i in range(20):
            answer = self.gateway.post(register(f"a{i}", task_id="T"))
            self.assertEqual((answer.status, answer.json), (202, {"success": True, "read": 1}))
            self.assertEqual(self.row(f"a{i}")["task_id"], "T")  # at once

    def test_all_fields_arrive(self):
        fields = {"run_id": "r", "task_id": "t", "agent_type": "coder", "phase": "p",
                  "detail": "d", "stale_after_ms": HOUR}
        self.gateway.post(register("a", timeout_after_ms=2 * HOUR, running_for_ms=60_000,
                                   idle_for_ms=30_000, **fields))
        run = self.row("a")
        self.assertEqual({key: run[key] for key in fields}, fields)
        self.assertEqual((run["timeout_after_ms"], run["timeout_after_from"]), (2 * HOUR, "register"))
        self.assertGreaterEqual(run["running_for_ms"], 60_000)
        self.assertGreaterEqual(run["idle_for_ms"], 30_000)
        self.gateway.post(activity("a", run_id="r", progress=7, sent_at=1_700_000_000_000))
        self.assertEqual((self.row("a")["progress"], self.row("a")["sent_at"]),
                         (7, 1_700_000_000_000))

    def test_a_batch_is_read_as_a_whole(self):
        answer = self.gateway.post([register(f"a{i}") for i in range(1_024)])
        self.assertEqual((answer.status, answer.json["read"]), (202, 1_024))
        self.assertEqual(self.monitor.counters()["runs_in_flight"], 1_024)

    def test_the_version_may_be_left_out_or_said(self):
        self.assertEqual(self.gateway.post({"v": 1, **register("a")}).status, 202)
        self.assertEqual(self.gateway.post({"v": 1.0, **register("b")}).status, 202)

    def test_source_and_seq_are_the_gateways(self):
        for _ in range(2):
            answer = self.gateway.post({**activity("a"), "source": "mine", "seq": 1})
            self.assertEqual(answer.status, 202)
        counters = self.monitor.counters()
        self.assertEqual((counters["events_folded_total"], counters["events_duplicate_total"]), (2, 0))
        self.assertNotEqual(self.row("a")["source"], "mine")

    def test_decoration_is_cut_and_cleaned(self):
        self.gateway.post(activity("a", phase="p" * 100, detail="one\ntwo\x00" + "é" * 600))
        run = self.row("a")
        self.assertEqual(run["phase"], "p" * 64)
        self.assertTrue(run["detail"].startswith("one"))
        self.assertEqual(run["detail"].count("\n") + run["detail"].count("\x00"), 0)
        self.assertLessEqual(len(run["detail"].encode()), 512)
        self.assertTrue(run["detail"].endswith("é"))

    def test_a_name_that_is_no_text_costs_no_event_but_its_own(self):
        name = b"caf\xe9.txt".decode("utf-8", "surrogateescape")
        self.assertEqual(self.gateway.post([activity("a", detail=name), activity("b")]).status, 202)
        self.assertRegex(self.row("a")["detail"], r"^caf.\.txt$")
        answer = self.gateway.post([activity(name), activity("c")])
        self.assertEqual(answer.status, 422)
        self.assertEqual([(each["index"], each["reason"]) for each in answer.json["rejected"]],
                         [(0, "bad_utf8")])

    def test_many_at_once_are_all_read(self):
        def send(i):
            return self.gateway.post([register(f"a{i}-{n}") for n in range(10)]).status
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            self.assertEqual(set(pool.map(send, range(200))), {202})
        counters = self.monitor.counters()
        self.assertEqual((counters["runs_in_flight"], counters["events_lost_total"],
                          counters["events_duplicate_total"]), (2_000, 0, 0))

    def test_a_monitor_that_does_not_read_is_no_acceptance(self):
        self.monitor.process.send_signal(signal.SIGSTOP)
        answer = self.gateway.post(register("a"))
        self.assertEqual((answer.status, answer.code), (503, "monitor_silent"))
        self.monitor.process.send_signal(signal.SIGCONT)
        waited("it reads again", lambda: self.gateway.post(register("b")).status == 202)

    def test_many_that_no_monitor_reads_are_told_so_at_the_same_time(self):
        def ping(i):
            answer = self.gateway.get(f"/ping/a{i}")
            return answer.status, answer.code
        self.monitor.process.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(60) as pool:
                self.assertEqual(set(pool.map(ping, range(60))), {(503, "monitor_silent")})
            # Twice the gateway's timeout of 0.5 s, and time for a busy machine; one after the other, a
            # lane's fifteen would take 7.5 s.
            self.assertLess(time.monotonic() - began, 4)
        finally:
            self.monitor.process.send_signal(signal.SIGCONT)
        waited("it reads again", lambda: self.gateway.get("/ping/b").status == 202)

    def test_after_a_restart_of_the_monitor_events_count_again(self):
        self.gateway.post(register("a"))
        self.monitor.process.kill()
        self.monitor.process.wait()
        self.assertEqual(self.gateway.post(register("b")).status, 503)
        self.monitor.start()
        waited("it is read again", lambda: self.gateway.post(register("c")).status == 202)
        self.assertEqual(self.row("c")["agent_id"], "c")


class Rejections(WithGateway):
    def refused(self, events, *expected):
        """(index, reason) of each is expected; nothing has been published."""
        before = received(self.monitor)
        answer = self.gateway.post(events)
        self.assertEqual((answer.status, answer.code), (422, "rejected"), answer.body)
        found = [(each["index"], each["reason"]) for each in answer.json["rejected"]]
        self.assertEqual(found, list(expected))
        self.assertEqual(received(self.monitor), before)
        return answer.json

    def test_each_has_its_reason(self):
        a = activity("a")
        for reason, events in {
            "malformed": [7, "text", None, True, [a]],
            "unsupported_version": [{"v": 2, **a}, {"v": 0, **a}],
            "missing_field": [{"kind": "idle"}, {"agent_id": "a"}, {}],
            "bad_type": [{**a, "agent_id": 7}, {**a, "progress": "7"}, {**a, "run_id": []},
                         {**a, "v": "1"}, {**a, "kind": 1}, {**a, "progress": True}],
            "bad_value": [{**a, "agent_id": ""}, {**a, "progress": -1}, {**a, "progress": 1.5},
                          {**a, "stale_after_ms": 0}, {**a, "running_for_ms": 315_576_000_001}],
            "too_long": [{**a, key: "x" * (longest + 1)} for key, longest in LONGEST.items()],
            "bad_utf8": [{**a, "task_id": "a\nb"}, {**a, "run_id": "\x7f"}],
            "unknown_kind": [{**a, "kind": "dance"}, {**a, "kind": ""}],
        }.items():
            for event in events:
                with self.subTest(f"{reason}: {event}"):
                    said = self.refused([event], (0, reason))
                    self.assertTrue(said["rejected"][0]["message"])

    def test_the_longest_are_not_too_long(self):
        for key, longest in LONGEST.items():
            event = {**unregister("a"), key: "x" * longest}
            self.assertEqual(self.gateway.post(event).status, 202, key)

    def test_one_that_is_refused_takes_the_others_with_it(self):
        events = [register("a"), {**register("b"), "kind": "dance"}, register("c"),
                  {"kind": "idle"}]
        said = self.refused(events, (1, "unknown_kind"), (3, "missing_field"))
        self.assertIn("2 of 4", said["error"]["message"])
        self.assertEqual(self.monitor.ask("agents")["agents"], [])

    def test_the_message_names_the_field(self):
        for event, word in (({**activity("a"), "progress": "x"}, "progress"),
                            ({**activity("a"), "task_id": "x" * 129}, "task_id"),
                            ({"kind": "idle"}, "agent_id"), ({**activity("a"), "v": 3}, "v")):
            [each] = self.refused([event], *[(0, self.reason(event))])["rejected"]
            self.assertIn(word, each["message"])

    def reason(self, event):
        return self.gateway.post(event).json["rejected"][0]["reason"]

    def test_what_the_golden_vectors_reject_is_rejected(self):
        import msgpack
        tried = set()
        for path in sorted((SCHEMAS / "golden").glob("event-rejected-*.msgpack")):
            reason = json.loads(path.with_suffix(".json").read_text())["reason"]
            try:
                message = msgpack.unpackb(path.read_bytes())
                body = json.dumps(message, allow_nan=False)
            except (ValueError, TypeError, msgpack.UnpackException):
                continue  # JSON cannot say it
            # The gateway mends these: its own v, seq, phase and detail. What is no event is no
            # request that it reads.
            event = message if isinstance(message, dict) else {}
            if reason == "malformed" or "v" not in event or "seq" in event or "source" in event or \
                    any(len(str(event.get(key, "")).encode()) > limit or not str(
                        event.get(key, "")).isprintable()
                        for key, limit in (("phase", 64), ("detail", 512))):
                continue
            with self.subTest(path.stem):
                answer = self.gateway.post(body.encode())
                self.assertEqual(answer.status, 422, answer.body)
                self.assertEqual(answer.json["rejected"][0]["reason"], reason)
                tried.add(reason)
        self.assertGreaterEqual(len(tried), 5, tried)

    def test_a_batch_of_a_wrong_size_is_refused(self):
        for events in ([], [activity("a")] * 1_025):
            answer = self.gateway.post(events)
            self.assertEqual((answer.status, answer.code), (422, "rejected"))
            self.assertIn("1 to 1024", answer.json["error"]["message"])
            self.assertEqual(answer.json["rejected"], [])

    def test_a_body_that_is_no_json_is_refused(self):
        before = received(self.monitor)
        for body in (b"", b"{", b"{'kind': 'idle'}", b'{"agent_id": "\xff"}', b"[1,]", b"{}{}",
                     b"NaN", b"[" * 100_000, b'{"a":' * 50 + b"1" + b"}" * 50):
            answer = self.gateway.post(body)
            self.assertEqual((answer.status, answer.code), (400, "malformed"), body[:40])
        self.assertEqual(received(self.monitor), before)

    def test_a_number_beyond_all_is_no_json(self):
        before = received(self.monitor)
        for number in (b"1e999", b"-1e999", b"1e99999999999"):
            answer = self.gateway.post(
                b'{"agent_id":"x","kind":"activity","running_for_ms":' + number + b"}")
            self.assertEqual((answer.status, answer.code), (400, "malformed"), number)
        self.assertEqual(received(self.monitor), before)

    def test_a_body_that_is_large_and_wrong_keeps_nobody_waiting(self):
        nested = b"[" + b"{}," * 600_000 + b"{}]"
        with concurrent.futures.ThreadPoolExecutor(4) as senders:
            answers = [senders.submit(self.gateway.post, nested) for _ in range(4)]
            while not all(answer.done() for answer in answers):
                started = time.monotonic()
                self.assertEqual(self.gateway.request("GET", "/healthz").status, 200)
                self.assertLess(time.monotonic() - started, 1)
        for answer in answers:
            self.assertEqual((answer.result().status, answer.result().code), (422, "rejected"))

    def test_another_content_type_is_refused(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""):
            answer = self.gateway.post(activity("a"), content_type=kind)
            self.assertEqual((answer.status, answer.code), (415, "unsupported_media_type"), kind)
        for kind in ("application/json; charset=utf-8", "Application/JSON", "application/json ;a=b"):
            self.assertEqual(self.gateway.post(activity("a"), content_type=kind).status, 202, kind)


class Full(WithGateway):
    options = {"runs_max": 3}

    def test_the_monitors_own_rejections_are_told(self):
        for i in range(3):
            self.assertEqual(self.gateway.post(register(f"a{i}")).status, 202)
        answer = self.gateway.post(register("b"))
        self.assertEqual((answer.status, answer.code), (422, "rejected"))
        self.assertEqual(self.gateway.post(activity("a1")).status, 202)


    def test_a_rejection_that_comes_late_is_not_the_next_requests(self):
        for i in range(3):
            self.assertEqual(self.gateway.post(register(f"a{i}")).status, 202)
        self.monitor.process.send_signal(signal.SIGSTOP)
        try:
            self.assertEqual(self.gateway.post(register("b")).status, 503)
        finally:
            self.monitor.process.send_signal(signal.SIGCONT)
        self.monitor.ask("ping")
        self.assertEqual(self.gateway.post(activity("a1")).status, 202)

    def test_another_monitor_has_rejections_of_its_own(self):
        for _ in range(2):
            fill = self.monitor.publisher()
            told(self.monitor, fill, *[register(f"a{i}") for i in range(3)])
            self.assertEqual(self.gateway.post(register("b")).status, 422)
            fill.close()
            self.monitor.process.kill()
            self.monitor.process.wait()
            self.monitor.start()


class Pings(WithGateway):
    def ping(self, target, method="GET", body=None, **headers):
        return self.gateway.request(method, f"/ping/{target}", body, **headers)

    def test_a_job_starts_goes_on_and_is_done(self):
        self.assertEqual(self.ping("backup/start?task_id=T-1").status, 202)
        self.assertEqual((self.row("backup")["adopted"], self.row("backup")["task_id"]),
                         (False, "T-1"))
        self.assertEqual(self.ping("backup?phase=copy&progress=3").status, 202)
        run = self.row("backup")
        self.assertEqual((run["phase"], run["progress"], run["last_events"][0]["kind"]),
                         ("copy", 3, "activity"))
        self.assertEqual(self.ping("backup/done").status, 202)
        self.assertEqual(self.how_ended("backup"), "done")

    def test_a_job_fails(self):
        self.ping("backup/start")
        self.assertEqual(self.ping("backup/fail", "POST", b"disk full").status, 202)
        self.assertEqual(self.how_ended("backup"), "failed")

    def test_one_that_never_started_is_adopted(self):
        self.ping("cron")
        self.assertTrue(self.row("cron")["adopted"])

    def test_a_ping_revives_no_run_that_ended(self):
        for end in ("done", "fail"):
            self.ping("job/start")
            self.ping(f"job/{end}")
            answer = self.ping("job")
            self.assertEqual((answer.status, answer.code), (409, "ended"))
            self.assertIn("/start", answer.json["error"]["message"])
            self.assertEqual(self.ping("job/start").status, 202)
            self.assertEqual(self.ping("job").status, 202)

    def test_a_run_that_timed_out_is_ended(self):
        self.ping("job/start?timeout_after_ms=1")
        waited("it times out", lambda: not self.monitor.ask("agents")["agents"])
        self.assertEqual(self.ping("job").status, 409)

    def test_a_run_that_the_monitor_adopts_not_is_told_so(self):
        with Monitor(adopt_unknown=False) as monitor, Gateway(monitor) as gateway:
            gateway.ready()
            for method in ("GET", "POST"):
                answer = gateway.request(method, "/ping/job")
                self.assertEqual((answer.status, answer.code), (409, "not_adopted"))
                self.assertIn("/start", answer.json["error"]["message"])
            self.assertEqual(gateway.get("/ping/job/start").status, 202)
            self.assertEqual(gateway.get("/ping/job").status, 202)
            self.assertEqual(gateway.get("/ping/job/done").status, 202)
            self.assertEqual(gateway.get("/ping/job").code, "ended")

    def test_each_parameter_is_a_field(self):
        fields = {"run_id": "r 1", "task_id": "t/2", "agent_type": "coder", "phase": "é+&=",
                  "detail": "said"}
        numbers = {"stale_after_ms": HOUR, "timeout_after_ms": 3 * HOUR, "running_for_ms": 9_000,
                   "idle_for_ms": 5_000}
        query = "&".join(f"{key}={quoted(str(value))}" for key, value in {**fields, **numbers}.items())
        self.assertEqual(self.ping(f"job/start?{query}").status, 202)
        run = self.row("job")
        self.assertEqual({key: run[key] for key in fields}, fields)
        self.assertEqual((run["stale_after_ms"], run["timeout_after_ms"]), (HOUR, 3 * HOUR))
        self.assertGreaterEqual(run["running_for_ms"], 9_000)
        self.assertGreaterEqual(run["idle_for_ms"], 5_000)
        self.assertEqual(self.ping("job?run_id=r+1&progress=8").status, 202)  # + is a space
        self.assertEqual(self.row("job")["progress"], 8)

    def test_runs_side_by_side(self):
        for run in ("1", "2"):
            self.ping(f"job/start?run_id={run}")
        self.ping("job/done?run_id=1")
        self.assertEqual(self.row("job")["run_id"], "2")
        self.assertEqual(self.ping("job?run_id=1").status, 409)
        self.assertEqual(self.ping("job?run_id=2").status, 202)

    def test_a_body_of_any_bytes_is_the_detail(self):
        for body, expected in ((b"made 3 of 4", "made 3 of 4"), ("é".encode() * 400, "é" * 256),
                               (b"a\tb\nc", None), (b"\xff\x00\xfe", None), (b"x" * 2_000_000, "x" * 512)):
            answer = self.ping("job", "POST", body, content_type="application/octet-stream")
            self.assertEqual(answer.status, 202, body[:20])
            detail = self.row("job")["detail"]
            self.assertTrue(detail)
            if expected is not None:
                self.assertEqual(detail, expected)

    def test_a_body_of_any_size_costs_no_heartbeat(self):
        for size in (2_097_152, 2_097_153, 5_000_000, 40_000_000):
            answer = self.ping("job/start", "POST", b"%d " % size + b"x" * size)
            self.assertEqual(answer.status, 202, size)
            self.assertTrue(self.row("job")["detail"].startswith(f"{size} xxx"))
        chunks = iter([b"last words "] + [b"x" * 1_000_000] * 5)
        self.assertEqual(self.ping("job/fail", "POST", chunks).status, 202)
        self.assertEqual(self.how_ended("job"), "failed")

    def test_a_body_that_never_ends_costs_no_heartbeat(self):
        for at_once, idle_s in ((b"x" * 1_000_000, 0), (b"x", 0.05)):  # too much, and for too long
            with self.subTest(len(at_once)), self.gateway.connect() as connection:
                connection.sendall(b"POST /ping/job/start HTTP/1.1\r\nHost: localhost\r\n"
                                   b"Content-Length: 1000000000000\r\n\r\n")
                deadline = time.monotonic() + LIMIT
                while not select.select([connection], [], [], idle_s)[0]:
                    self.assertLess(time.monotonic(), deadline)
                    connection.sendall(at_once)
                self.assertRegex(connection.recv(4096), rb"(?s)^HTTP/1\.1 202 .*Connection: close")
                self.assertTrue(self.row("job")["detail"].startswith("xxx"))

    def test_a_body_that_breaks_off_is_no_ping(self):
        self.gateway.raw(b"POST /ping/job/done HTTP/1.1\r\nHost: localhost\r\n"
                         b"Content-Length: 100\r\n\r\nhalf")
        self.assertEqual(received(self.monitor), 0)

    def test_decoration_of_any_bytes_costs_no_heartbeat(self):
        for value, begins in (("line1%0Aline2", "line1"), ("%ff", ""), ("ok%00%c3", "ok"),
                              ("x" * 600, "x" * 64)):
            for key in ("detail", "phase"):
                self.assertEqual(self.ping(f"x?{key}={value}").status, 202, (key, value))
                said = self.row("x")[key]
                self.assertTrue(said.startswith(begins) and said.isprintable(), (key, said))

    def test_ids_of_any_form_are_whom_they_mean(self):
        for agent_id in ("a/b", "..", ".", "é", "100%", "a b", "a+b", "a?b#c", "%2F", "start",
                         "\u202eabc", "x" * 128):
            self.assertEqual(self.ping(f"{quoted(agent_id)}/start").status, 202, agent_id)
            self.assertEqual(self.row(agent_id)["agent_id"], agent_id)
        self.assertEqual(len(self.monitor.ask("agents")["agents"]), 12)

    def test_ids_that_cannot_be_are_refused(self):
        before = received(self.monitor)
        for segment in ("%00", "%0a", "%7f", "%ff", "%c3", "x" * 129):
            answer = self.ping(segment)
            self.assertEqual((answer.status, answer.code), (422, "rejected"), segment[:9])
        for segment in ("%", "%4", "%zz"):
            answer = self.ping(segment)
            self.assertEqual((answer.status, answer.code), (400, "bad_argument"), segment)
        self.assertEqual(received(self.monitor), before)

    def test_wrong_parameters_send_nothing(self):
        before = received(self.monitor)
        for query in ("progress=x", "stale_after_ms=0", "kind=register", "source=x", "seq=1",
                      "agent_id=b", "progress=1&progress=2", "task_id=%00"):
            answer = self.ping(f"job?{query}")
            self.assertIn(answer.status, (400, 422), query)
            self.assertIn(query.partition("=")[0], answer.json["error"]["message"])
        self.assertEqual(received(self.monitor), before)
