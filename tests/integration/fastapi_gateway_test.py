"""The example of a chat that reports its runs, served by uvicorn, watched by a real monitor."""

import http.client
import json
import os
import pathlib
import socket
import sys
import tempfile
import time
import unittest

from events import HOUR
from monitor import Monitor, alert_of
from program import LIMIT, Program, clean_environment, waited

HERE = pathlib.Path(__file__).resolve().parent
STATUS_KEYS = {"success", "status", "monitor", "in_flight_agents", "timestamp"}


class Connection(http.client.HTTPConnection):
    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Chat(Program):
    """uvicorn with the example on a port of its own; a context manager."""

    stop_limit = LIMIT

    def __init__(self, events, status):
        super().__init__("uvicorn")
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.environment = clean_environment(HB_EVENTS=events, HB_STATUS=status,
                                             PYTHONDONTWRITEBYTECODE="1")

    def start(self):
        fd = self.listening.fileno()
        self.run([sys.executable, "-m", "uvicorn", "--fd", str(fd), "chat_program:app"], cwd=HERE,
                 pass_fds=[fd], env=self.environment)

    def discard(self):
        self.listening.close()
        super().discard()

    def begin(self, method, path, body=None):
        """A connection whose request was sent."""
        connection = Connection("127.0.0.1", self.port, timeout=LIMIT)
        connection.request(method, path, body and json.dumps(body),
                           {"Content-Type": "application/json"})
        return connection

    def request(self, method, path, body=None):
        connection = self.begin(method, path, body)
        return connection, connection.getresponse()

    def begin_chat(self, message, task_id):
        return self.begin("POST", "/api/chat", {"message": message, "task_id": task_id})

    def ask(self, message, **fields):
        """A connection and its answer, of which nothing has been read."""
        return self.request("POST", "/api/chat", {"message": message, **fields})

    def answer(self, message, **fields):
        connection, response = self.ask(message, **fields)
        with connection:
            return response.status, response.read().decode()

    def status(self):
        connection, response = self.request("GET", "/api/heartbeat/status")
        with connection:
            return json.load(response)


def ended(monitor):
    """How the chat's last run ended, once it has."""
    def look():
        error = monitor.request({"cmd": "agent", "agent_id": "chat"}).get("error", {})
        return error.get("outcome")
    return waited("the run ends", look)


class WithMonitor(unittest.TestCase):
    def test_an_answer_is_a_run_in_flight_until_it_is_done(self):
        with Monitor() as monitor, Chat(monitor.events, monitor.status) as chat:
            connection, response = chat.ask("hold on", task_id="T-42")
            with connection:
                self.assertEqual(response.read(5), b"once ")
                [row] = waited("the run is shown", lambda: [
                    row for row in chat.status()["in_flight_agents"] if row["progress"]])
                self.assertEqual(
                    (row["agent_id"], row["task_id"], row["agent_type"], row["phase"],
                     row["progress"], row["adopted"]),
                    ("chat", "T-42", "chat", "answering", 1, False))
                chat.request("POST", "/release")[0].close()
                self.assertEqual(response.read(), b"on")
            self.assertEqual(ended(monitor), "done")
            counters = monitor.counters()
            self.assertEqual(counters["events_folded_total"], counters["events_received_total"])
            self.assertEqual(counters["events_lost_total"], 0)

    def test_the_status_has_the_keys_of_before(self):
        with Monitor() as monitor, Chat(monitor.events, monitor.status) as chat:
            connection, response = chat.ask("hang")
            with connection:
                response.read(5)
                status = waited("the run is shown", lambda: (
                    status := chat.status())["in_flight_agents"] and status)
                self.assertEqual(status.keys(), STATUS_KEYS)
                self.assertEqual((status["success"], status["status"]), (True, "online"))
                self.assertEqual(status["monitor"].keys(),
                                 {"running", "agents_monitoring", "agents", "config"})
                self.assertEqual((status["monitor"]["agents_monitoring"],
                                  status["monitor"]["agents"]), (1, ["chat"]))

    def test_chats_at_the_same_time_are_runs_side_by_side(self):
        with Monitor() as monitor, Chat(monitor.events, monitor.status) as chat:
            open_chats = [chat.begin_chat("hang", f"T-{i}") for i in range(3)]
            rows = waited("three runs", lambda: (
                rows := monitor.ask("agents")["agents"]) and len(rows) == 3 and rows)
            self.assertEqual({row["task_id"] for row in rows}, {"T-0", "T-1", "T-2"})
            for connection in open_chats:
                connection.close()

    def test_a_model_that_hangs_is_warned_of(self):
        with Monitor(stale_threshold_ms=150, timeout_threshold_ms=HOUR) as monitor:
            alerts = monitor.subscribe()
            with Chat(monitor.events, monitor.status) as chat:
                connection, _ = chat.ask("hang", task_id="T-7")
                with connection:
                    alert = alert_of(alerts, "chat", "stale")
                self.assertEqual((alert["task_id"], alert["lost_events"]), ("T-7", 0))
                self.assertEqual(ended(monitor), "cancelled")

    def test_a_model_may_think_before_its_first_word(self):
        with Monitor(stale_threshold_ms=150) as monitor:
            alerts = monitor.subscribe()
            with Chat(monitor.events, monitor.status) as chat:
                thinking, hanging = chat.begin_chat("think", "T-1"), chat.begin_chat("hang", "T-2")
                with thinking, hanging:
                    self.assertEqual(alert_of(alerts, "chat", "stale")["task_id"], "T-2")
                    [run] = [run for run in monitor.ask("agent", agent_id="chat")["runs"]
                             if run["task_id"] == "T-1"]
                    self.assertEqual((run["stale"], run["stale_after_ms"], run["stale_after_from"],
                                      run["phase"]), (False, HOUR, "promise", "waiting:model"))

    def test_a_model_that_breaks_is_a_run_that_failed(self):
        with Monitor() as monitor, Chat(monitor.events, monitor.status) as chat:
            connection, response = chat.ask("fail")
            with connection, self.assertRaises(http.client.IncompleteRead):
                response.read()
            self.assertEqual(ended(monitor), "failed")

    def test_a_client_that_goes_away_cancels_its_run(self):
        with Monitor() as monitor, Chat(monitor.events, monitor.status) as chat:
            connection, response = chat.ask("hang")
            response.read(5)
            response.close()
            connection.close()
            self.assertEqual(ended(monitor), "cancelled")

    def test_a_task_of_any_form_costs_no_heartbeat(self):
        with Monitor() as monitor, Chat(monitor.events, monitor.status) as chat:
            status, _ = chat.answer("say so", task_id="a\nb\x7f" + "é" * 100)
            self.assertEqual((status, ended(monitor)), (200, "done"))
            rejected = [value for name, value in monitor.counters().items()
                        if name.startswith("events_rejected_total")]
            self.assertEqual(sum(rejected), 0)

    def test_what_was_told_last_leaves_before_the_end(self):
        with Monitor() as monitor:
            with Chat(monitor.events, monitor.status) as chat:
                self.assertEqual(chat.answer("say so"), (200, "once so"))
            self.assertEqual(ended(monitor), "done")


class WithoutMonitor(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="hb-")
        self.addCleanup(self.folder.cleanup)
        self.events, self.status, self.alerts = (
            f"ipc://{os.path.join(self.folder.name, name)}" for name in ("events", "status", "alerts"))

    def monitor(self):
        return Monitor(events=self.events, status=self.status, alerts=self.alerts)

    def test_the_chat_works_and_the_status_says_offline(self):
        with Chat(self.events, self.status) as chat:
            self.assertEqual(chat.answer("say so"), (200, "once so"))
            status = chat.status()
            self.assertEqual(status.keys(), STATUS_KEYS | {"message"})
            self.assertEqual(status["status"], "offline")
            self.assertEqual(status["monitor"], {"running": False, "agents_monitoring": 0,
                                                 "agents": [], "config": None})
            self.assertEqual(status["in_flight_agents"], [])

    def test_a_status_that_waits_keeps_no_chat_waiting(self):
        with Chat(self.events, self.status) as chat:
            chat.answer("say so")
            began = time.monotonic()
            with chat.begin("GET", "/api/heartbeat/status"):
                self.assertEqual(chat.answer("say so"), (200, "once so"))
            self.assertLess(time.monotonic() - began, 1.5)  # the status takes 2 s

    def test_a_monitor_that_comes_later_learns_of_the_run_and_its_age(self):
        with Chat(self.events, self.status) as chat:
            connection, response = chat.ask("hang", task_id="T-1")
            began = time.monotonic()
            with connection:
                response.read(5)
                with self.monitor() as monitor:
                    [row] = waited("the run is shown", lambda: monitor.ask("agents")["agents"])
                    age = (time.monotonic() - began) * 1000
                    self.assertEqual((row["task_id"], row["adopted"], row["phase"]),
                                     ("T-1", True, "answering"))
                    self.assertLess(abs(row["running_for_ms"] - age), 1_000)
                    self.assertGreater(row["idle_for_ms"], 0)

    def test_a_monitor_that_is_started_again_learns_of_the_run_and_of_no_life_that_is_not(self):
        with self.monitor() as monitor, Chat(self.events, self.status) as chat:
            connection, response = chat.ask("hang")
            with connection:
                response.read(5)
                [before] = waited("the run is shown", lambda: monitor.ask("agents")["agents"])
                monitor.process.kill()
                monitor.process.wait()
                monitor.start()
                [after] = waited("the run is shown", lambda: monitor.ask("agents")["agents"])
                self.assertEqual((after["run_id"], after["adopted"]), (before["run_id"], True))
                self.assertGreaterEqual(after["idle_for_ms"], before["idle_for_ms"])
