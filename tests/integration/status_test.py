"""The status socket: every command, its limits and its errors."""

import datetime
import unittest

import msgpack
import zmq

from events import HOUR, activity, idle, register, told, unregister
from monitor import Monitor, next_alert, receive

ROW_KEYS = {"agent_id", "run_id", "task_id", "agent_type", "status", "stale", "adopted",
            "started_at", "last_activity_at", "running_for_ms", "idle_for_ms", "stale_in_ms",
            "timeout_in_ms", "phase", "progress", "detail", "lost_events"}


def listed(monitor, **arguments):
    """All rows of `agents`, page by page, and the sizes of the pages."""
    rows, sizes, cursor = [], [], None
    while True:
        page = monitor.ask("agents", **arguments, **({"after": cursor} if cursor else {}))
        rows += page["agents"]
        sizes.append(len(page["agents"]))
        cursor = page["next"]
        if cursor is None:
            return rows, sizes


class Answers(unittest.TestCase):
    def test_ping_says_what_was_read_of_a_source(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            self.assertNotIn("source_seq", monitor.ask("ping"))
            unheard = monitor.ask("ping", source="never-heard-of")
            self.assertEqual((unheard["source_seq"], unheard["source_rejected"]), (0, 0))
            told(monitor, agent, register("a"), register("b", phase="x" * 65), register("c"))
            reply = monitor.ask("ping", source=agent.source)
            self.assertEqual((reply["source_seq"], reply["source_rejected"]), (3, 1))
            self.assertEqual(reply["source_rejected_reason"], "too_long")
            self.assertRegex(reply["version"], r"^\d+\.\d+\.\d+")
            self.assertGreaterEqual(reply["uptime_ms"], 0)

    def test_ping_says_why_the_last_event_of_a_source_was_rejected(self):
        def reason(agent):
            return monitor.ask("ping", source=agent.source).get("source_rejected_reason")

        with Monitor(runs_max=1) as monitor:
            one, other = monitor.publisher(), monitor.publisher()
            told(monitor, one, register("a", phase="x" * 65), register("a"))
            told(monitor, other, activity("a"))
            self.assertEqual((reason(one), reason(other)), ("too_long", None))
            told(monitor, one, register("b"), activity("a"))
            self.assertEqual((reason(one), reason(other)), ("too_many_runs", None))

    def test_rows_say_what_was_lost_after_a_run_s_last_event(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            told(monitor, agent, register("quiet"), register("loud"))
            told(monitor, agent, activity("loud", seq=agent.seq + 4))
            expected = {"quiet": 3, "loud": 0}
            for rows in (monitor.ask("agents")["agents"],
                         monitor.ask("status")["in_flight_agents"]):
                self.assertEqual({row["agent_id"]: row["lost_events"] for row in rows}, expected)

    def test_status_describes_the_monitor(self):
        with Monitor(stale_threshold_ms=150, timeout_threshold_ms=HOUR, check_interval_ms=HOUR,
                     stale_warning_only_once=False) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            told(monitor, agent, register("dev", run_id="1"),
                 register("dev", run_id="2", stale_after_ms=HOUR), idle("pm", stale_after_ms=HOUR))
            self.assertEqual(next_alert(alerts)["run_id"], "1")
            reply = monitor.ask("status")
            self.assertEqual(reply["status"], "online")
            state = reply["monitor"]
            self.assertEqual((state["running"], state["agents_monitoring"],
                              sorted(state["agents"]), state["agents_truncated"]),
                             (True, 3, ["dev", "pm"], False))
            self.assertEqual(state["config"], {
                "check_interval_ms": HOUR, "stale_threshold_ms": 150,
                "timeout_threshold_ms": HOUR, "stale_warning_only_once": False})
            self.assertEqual(reply["counts"], {"running": 2, "idle": 1, "stale": 1})
            self.assertEqual(reply["health"].keys(), {
                "epoch", "version", "uptime_ms", "last_check_age_ms", "ingest_lag_ms",
                "overloaded", "state_file", "storm"})
            self.assertEqual((reply["health"]["state_file"], reply["health"]["storm"]), ("none", ""))
            self.assertLess(reply["health"]["last_check_age_ms"], 1_000)
            self.assertEqual(len(reply["in_flight_agents"]), 3)
            self.assertEqual(reply["in_flight_agents"][0].keys(), ROW_KEYS)
            said = datetime.datetime.fromisoformat(reply["timestamp"].replace("Z", "+00:00"))
            now = datetime.datetime.now(datetime.timezone.utc)
            self.assertLess(abs((now - said).total_seconds()), 60)

    def test_status_is_cut_at_its_limit(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            agent.send([register(f"a{i}") for i in range(20)])
            monitor.settled(agent)
            reply = monitor.ask("status", limit=5)
            self.assertEqual(len(reply["in_flight_agents"]), 5)
            self.assertTrue(reply["monitor"]["agents_truncated"])
            self.assertEqual(reply["monitor"]["agents_monitoring"], 20)

    def test_agents_are_listed_once_each_page_by_page(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            agent.send([register(f"a{i}") for i in range(25)])
            monitor.settled(agent)
            rows, sizes = listed(monitor, limit=10)
            self.assertEqual(sorted(r["agent_id"] for r in rows),
                             sorted(f"a{i}" for i in range(25)))
            self.assertLessEqual(max(sizes), 10)
            self.assertGreaterEqual(len(sizes), 3)
            self.assertEqual(rows[0].keys(), ROW_KEYS)
            self.assertIsNone(monitor.ask("agents")["next"])

    def test_a_listing_survives_runs_that_come_and_go(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            agent.send([register(f"a{i}") for i in range(30)])
            monitor.settled(agent)
            first = monitor.ask("agents", limit=10)
            seen = [row["agent_id"] for row in first["agents"]]
            gone = [f"a{i}" for i in range(30)][::3]
            agent.send([unregister(name) for name in gone] +
                       [register(f"b{i}") for i in range(30)])
            monitor.settled(agent)
            cursor = first["next"]
            while cursor is not None:
                page = monitor.ask("agents", limit=7, after=cursor)
                seen += [row["agent_id"] for row in page["agents"]]
                cursor = page["next"]
            stayed = [f"a{i}" for i in range(30) if f"a{i}" not in gone]
            self.assertEqual(sorted(name for name in seen if name in stayed), sorted(stayed))

    def test_agents_filters_by_status(self):
        with Monitor(stale_threshold_ms=150) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            told(monitor, agent, register("busy", stale_after_ms=HOUR),
                 idle("resting", stale_after_ms=HOUR), register("silent"))
            self.assertEqual(next_alert(alerts)["agent_id"], "silent")
            for status, names in {"running": ["busy", "silent"], "idle": ["resting"],
                                  "stale": ["silent"]}.items():
                rows, _ = listed(monitor, status=status)
                self.assertEqual(sorted(r["agent_id"] for r in rows), names)

    def test_agents_filters_by_glob(self):
        names = ["dev-1", "dev-22", "dev-é", "pm", "a[b]"]
        matches = {"dev-*": ["dev-1", "dev-22", "dev-é"], "dev-?": ["dev-1", "dev-é"],
                   "*": names, "pm": ["pm"], "p": [], "a[b]": ["a[b]"], "[ab]*": [],
                   "*2*": ["dev-22"]}
        with Monitor() as monitor:
            agent = monitor.publisher()
            told(monitor, agent, *[register(name) for name in names])
            for glob, expected in matches.items():
                with self.subTest(glob):
                    rows, _ = listed(monitor, agent=glob)
                    self.assertEqual(sorted(r["agent_id"] for r in rows), sorted(expected))

    def test_agent_answers_why(self):
        with Monitor(stale_threshold_ms=HOUR) as monitor:
            agent = monitor.publisher()
            told(monitor, agent, register("dev", run_id="1", timeout_after_ms=2 * HOUR),
                 idle("dev", run_id="1", stale_after_ms=HOUR // 2), register("dev", run_id="2"))
            self.assertEqual(len(monitor.ask("agent", agent_id="dev")["runs"]), 2)
            [run] = monitor.ask("agent", agent_id="dev", run_id="1")["runs"]
            self.assertLess(ROW_KEYS, run.keys())
            self.assertEqual((run["stale_after_ms"], run["stale_after_from"]),
                             (HOUR // 2, "promise"))
            self.assertEqual((run["timeout_after_ms"], run["timeout_after_from"]),
                             (2 * HOUR, "register"))
            self.assertEqual([e["kind"] for e in run["last_events"]], ["idle", "register"])
            self.assertEqual((run["source"], run["seq"]), (agent.source, 2))
            [run] = monitor.ask("agent", agent_id="dev", run_id="2")["runs"]
            self.assertEqual((run["stale_after_from"], run["timeout_after_from"]),
                             ("configuration", "configuration"))

    def test_not_found_says_how_a_run_ended(self):
        with Monitor() as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            told(monitor, agent, register("done"), unregister("done", outcome="failed"),
                 register("old", timeout_after_ms=100))
            self.assertEqual(next_alert(alerts)["agent_id"], "old")
            errors = {}
            for name in ("done", "old", "nobody"):
                reply = monitor.request({"cmd": "agent", "agent_id": name})
                self.assertIs(reply["ok"], False)
                errors[name] = reply["error"]
                self.assertEqual(reply["error"]["code"], "not_found")
            self.assertEqual((errors["done"]["ended_by"], errors["done"]["outcome"]),
                             ("unregister", "failed"))
            self.assertEqual(errors["old"]["ended_by"], "timeout")
            self.assertGreater(errors["old"]["ended_at"], 0)
            self.assertNotIn("ended_by", errors["nobody"])

    def test_counters_add_up(self):
        with Monitor(adopt_unknown=False) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            told(monitor, agent, register("a"), register("b"), register("b", seq=2),
                 idle("unknown"), register("c", phase="x" * 65),
                 register("old", timeout_after_ms=100))
            self.assertEqual(next_alert(alerts)["agent_id"], "old")
            told(monitor, agent, idle("old"), unregister("b"))
            counters = monitor.counters()
            rejected = sum(value for name, value in counters.items()
                           if name.startswith("events_rejected_total"))
            became = [counters[f"events_{what}_total"]
                      for what in ("folded", "duplicate", "zombie", "ignored")]
            self.assertEqual(counters["events_received_total"], 8)
            self.assertEqual(sum(became) + rejected, 8)
            self.assertEqual((became, rejected), ([4, 1, 1, 1], 1))
            self.assertEqual((counters["runs_in_flight"], counters["runs_stale"]), (1, 0))
            self.assertEqual(counters['alerts_published_total{kind="timeout"}'], 1)
            self.assertEqual(counters["messages_received_total"], 8)
            before = counters["status_requests_total"]
            self.assertEqual(monitor.counters()["status_requests_total"], before + 1)


class Errors(unittest.TestCase):
    def refused(self, monitor, request, code, *words):
        reply = monitor.request(request)
        self.assertEqual((reply["v"], reply["ok"], reply["error"]["code"]), (1, False, code),
                         (request, reply))
        for word in words:
            self.assertIn(word, reply["error"]["message"])

    def test_bad_arguments_are_named(self):
        with Monitor() as monitor:
            for cmd in ("status", "agents", "alerts"):
                for limit in (0, 10_001, -1, 1.5, "ten"):
                    with self.subTest(cmd=cmd, limit=limit):
                        self.refused(monitor, {"cmd": cmd, "limit": limit}, "bad_argument",
                                     "limit")
                monitor.ask(cmd, limit=10_000)
            self.refused(monitor, {"cmd": "agents", "status": "asleep"}, "bad_argument",
                         "status", "asleep")
            self.refused(monitor, {"cmd": "agents", "after": "no cursor"}, "bad_argument",
                         "after")
            self.refused(monitor, {"cmd": "agent"}, "bad_argument", "agent_id")
            self.refused(monitor, {"cmd": "agent", "agent_id": 5}, "bad_argument", "agent_id")
            self.refused(monitor, {"cmd": "ping", "source": ""}, "bad_argument", "source")
            self.refused(monitor, {"cmd": "alerts", "since_seq": -1}, "bad_argument",
                         "since_seq")

    def test_unknown_commands_and_versions_are_refused(self):
        with Monitor() as monitor:
            self.refused(monitor, {"cmd": "reboot"}, "unknown_command", "reboot")
            self.refused(monitor, {"v": 2, "cmd": "ping"}, "unsupported_version")
            # The version is judged first: version 2 may have commands that version 1 has not.
            self.refused(monitor, {"v": 2, "cmd": "reboot"}, "unsupported_version")

    def test_every_request_of_a_busy_client_is_answered(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            for first in range(0, 5_000, 500):
                agent.send([register(f"a{i}") for i in range(first, first + 500)])
            monitor.settled(agent)
            large = msgpack.packb({"v": 1, "cmd": "agents", "limit": 10_000})
            small = msgpack.packb({"v": 1, "cmd": "ping"})
            for _ in range(10):
                client = monitor.connect(zmq.REQ, monitor.status)
                for request in [large] * 30 + [small] * 200:
                    client.send(request)
                    receive(client)
                client.close()

    def test_sixteen_requests_may_be_open_on_a_connection(self):
        with Monitor() as monitor:
            client = monitor.connect(zmq.DEALER, monitor.status)
            request = [b"", msgpack.packb({"v": 1, "cmd": "counters"})]
            for _ in range(16):
                client.send_multipart(request)
            for _ in range(2_000):
                receive(client)
                client.send_multipart(request)
            for _ in range(16):
                receive(client)

    def test_garbage_gets_an_error_and_the_next_client_is_served(self):
        garbage = [b"", b"\xc1", b"\x81", b"hello", msgpack.packb([1, 2]), msgpack.packb("ping"),
                   msgpack.packb({"v": 1, "cmd": "ping"}) + b"\x00",
                   b"\xdf\xff\xff\xff\xff", b"\x91" * 1_000]
        with Monitor() as monitor:
            for payload in garbage:
                with self.subTest(payload[:20]):
                    reply = monitor.request_raw(payload)
                    self.assertEqual((reply["ok"], reply["error"]["code"]), (False, "malformed"))
                    monitor.ask("ping")
            for frames in ((b"a", b"b"), (msgpack.packb({"v": 1, "cmd": "ping"}),) * 3):
                reply = monitor.request_raw(*frames)
                self.assertEqual((reply["ok"], reply["error"]["code"]), (False, "malformed"))
                monitor.ask("ping")
            for request in ({}, {"cmd": None}, {"cmd": 7}, {"cmd": "ping", "v": "1"}):
                self.assertIs(monitor.request(request)["ok"], False)
            monitor.ask("ping")

    def test_unknown_keys_in_a_request_are_ignored(self):
        with Monitor() as monitor:
            monitor.ask("ping", colour="blue", source=None)


if __name__ == "__main__":
    unittest.main()
