"""What the monitor knows survives its end, however it ends, and no alert is lost or numbered twice."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

from events import HOUR, activity, register, told, unregister
from faults_test import Faults
from monitor import Monitor, alert_of, next_message
from program import LIMIT, STOP_LIMIT, clean_environment, waited

CONSUMING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "consuming.py")


def content(alert):
    """What an alert says, but for whether it is said once more."""
    return {key: value for key, value in alert.items() if key != "replayed"}


def all_alerts(monitor):
    """Every alert of the present epoch, by replay."""
    alerts = []
    while True:
        page = monitor.ask("alerts", since_seq=alerts[-1]["seq"] if alerts else 0)
        alerts += page["alerts"]
        if not page["alerts"] or alerts[-1]["seq"] == page["last_seq"]:
            return alerts


class StateTest(Faults):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="hb-state-"))
        self.state = os.path.join(self.folder, "state.db")

    def monitor(self, **options):
        # A busy machine may take its time; the test that is about that says so.
        options = {"timeout_threshold_ms": HOUR, "restart_grace_ms": 0,
                   "store_wait_max_ms": 10_000, **options}
        return Monitor(state=self.state, **options)

    def kill(self, monitor):
        monitor.process.kill()
        monitor.process.wait()

    def written(self, monitor):
        """Waits until the file has what was read."""
        deadline = time.monotonic() + LIMIT
        while self.counter(monitor, "state_changes_waiting") != 0:
            self.assertLess(time.monotonic(), deadline)

    def kept_alert(self, monitor, agent_id, kind):
        """The last such alert, asked for until it is there: who subscribes after a start is late."""
        deadline = time.monotonic() + LIMIT
        while True:
            found = [a for a in all_alerts(monitor) if (a["agent_id"], a["kind"]) == (agent_id, kind)]
            if found:
                return found[-1]
            self.assertLess(time.monotonic(), deadline)

    def epoch(self, monitor):
        return monitor.ask("ping")["epoch"]


class Restarts(StateTest):
    def test_runs_tombstones_and_episodes_go_on(self):
        with self.monitor(stale_threshold_ms=300) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            told(monitor, agent, register("silent", run_id="r1", task_id="T-1", agent_type="coder",
                                          phase="plan", detail="one", running_for_ms=60_000),
                 register("idle", stale_after_ms=HOUR), {"kind": "idle", "agent_id": "idle",
                                                         "stale_after_ms": HOUR},
                 register("gone"), unregister("gone", outcome="failed"))
            warning = alert_of(alerts, "silent", "stale")
            before = monitor.ask("agents")["agents"]
            epoch = self.epoch(monitor)
            self.kill(monitor)
            monitor.start()
            self.assertEqual(self.epoch(monitor), epoch)
            rows = {row["agent_id"]: row for row in monitor.ask("agents")["agents"]}
            for row in before:
                again = rows.pop(row["agent_id"])
                for key in ("run_id", "task_id", "agent_type", "status", "stale", "adopted",
                            "phase", "detail", "progress"):
                    self.assertEqual(again[key], row[key])
                self.assertGreaterEqual(again["running_for_ms"], row["running_for_ms"])
                self.assertAlmostEqual(again["started_at"], row["started_at"], delta=50)
            self.assertEqual(rows, {})
            ended = monitor.request({"cmd": "agent", "agent_id": "gone"})["error"]
            self.assertEqual((ended["ended_by"], ended["outcome"]), ("unregister", "failed"))
            again = monitor.publisher()
            told(monitor, again, activity("gone"))
            self.assertEqual(self.counter(monitor, "events_zombie_total"), 1)
            told(monitor, again, activity("silent", run_id="r1"))
            resolved = self.kept_alert(monitor, "silent", "resolved")
            self.assertEqual(resolved["id"], warning["id"])
            self.assertEqual(resolved["epoch"], epoch)
            self.assertGreater(resolved["seq"], warning["seq"])

    def test_an_orderly_end_keeps_100_000_runs_and_takes_no_second(self):
        with self.monitor() as monitor:
            monitor.stop_limit = LIMIT
            took = []
            # The promise is of a machine that has the time: one of three ends will find it.
            while len(took) < 3 and min(took, default=2 * LIMIT) > STOP_LIMIT:
                agent = monitor.publisher()
                for first in range(0, 100_000, 500):
                    agent.send([register(f"a{i}") for i in range(first, first + 500)])
                told(monitor, agent, unregister("a7"))
                began = time.monotonic()
                monitor.stop()
                took.append(time.monotonic() - began)
                monitor.start()
                self.assertEqual(self.counter(monitor, "runs_in_flight"), 99_999)
                self.assertEqual(self.counter(monitor, "tombstones"), 1)
            self.assertLess(min(took), STOP_LIMIT)

    def test_silence_gets_a_grace_but_not_again_and_again(self):
        with self.monitor(stale_threshold_ms=300, timeout_threshold_ms=1_000,
                          restart_grace_ms=1_500) as monitor:
            agent = monitor.publisher()
            told(monitor, agent, register("silent", timeout_after_ms=HOUR), register("long"))
            self.written(monitor)
            self.kill(monitor)
            monitor.start()
            started = time.monotonic()
            graced, = monitor.ask("agent", agent_id="silent")["runs"]
            self.assertEqual((graced["stale"], graced["grace"]), (False, "restart"))
            # A limit on the whole run keeps its own time.
            timeout = self.kept_alert(monitor, "long", "timeout")
            self.assertLess(timeout["elapsed_ms"], 1_400)
            stale = self.kept_alert(monitor, "silent", "stale")
            self.assertGreater(time.monotonic() - started, 1.2)
            self.assertGreater(stale["blind_ms"], 0)
            told(monitor, monitor.publisher(), register("next", timeout_after_ms=HOUR))
            self.written(monitor)
            self.kill(monitor)
            monitor.start()
            started = time.monotonic()
            monitor.wait_for_log("too soon after the last start")
            self.kept_alert(monitor, "next", "stale")
            self.assertLess(time.monotonic() - started, 1.4)

    def test_what_came_while_nobody_listened_is_not_called_lost(self):
        with self.monitor() as monitor:
            agent = monitor.publisher()
            told(monitor, agent, register("a"), activity("a"))
            self.written(monitor)
            self.kill(monitor)
            monitor.start()
            agent.seq += 40
            self.assertTrue(agent.socket.poll(int(LIMIT * 1000)))  # it has subscribed again
            told(monitor, agent, activity("a"))
            self.assertEqual(self.counter(monitor, "events_lost_total"), 0)
            agent.seq += 2
            told(monitor, agent, activity("a"))
            self.assertEqual(self.counter(monitor, "events_lost_total"), 2)


class KillLoop(StateTest):
    def test_twenty_kills_under_load_lose_no_run_and_no_alert(self):
        seed = random.randrange(2**32)
        chance = random.Random(seed)
        said = {}  # (epoch, seq): what it says

        def hear(alerts, seconds):
            until = time.monotonic() + seconds
            while alerts.poll(max(0, int((until - time.monotonic()) * 1000))):
                topic, alert = next_message(alerts)
                if topic.startswith("alert."):
                    key = alert["epoch"], alert["seq"]
                    self.assertEqual(said.setdefault(key, content(alert)), content(alert))

        with self.subTest(seed=seed), self.monitor(stale_threshold_ms=HOUR // 2) as monitor:
            self.agents(monitor, 10_000, 2)  # 5,000 events/s
            agent, alerts = monitor.publisher(), monitor.subscribe()
            agent.send([register(f"s{i}") for i in range(100)])
            monitor.settled(agent)
            hear(alerts, 0.2)
            epoch = self.epoch(monitor)
            # The 10,000 that begin at once take a sanitizer on a busy disk longer than 100 ms.
            waited("the file has them", lambda: self.counter(monitor, "state_lag_ms") <= 100)
            for _ in range(20):
                # Each breaks its promise, and is heard again in the next round.
                agent.send([activity(f"s{i}", stale_after_ms=chance.randrange(1, 600))
                            for i in range(100)])
                hear(alerts, chance.uniform(0.3, 0.7))
                self.kill(monitor)
                monitor.start()
                self.assertEqual(self.epoch(monitor), epoch)
                self.assertEqual(self.counter(monitor, "runs_in_flight"), 10_100)
                self.assertTrue(agent.socket.poll(int(LIMIT * 1000)))  # it has subscribed again
                agent.socket.recv()
            hear(alerts, 1.5)
            replayed = all_alerts(monitor)
            self.assertEqual([a["seq"] for a in replayed], list(range(1, len(replayed) + 1)))
            self.assertGreater(len(replayed), 1_000)
            for alert in replayed:
                key = alert["epoch"], alert["seq"]
                if key in said:
                    self.assertEqual(said.pop(key), content(alert))
            self.assertEqual(said, {})  # nothing that was heard has been forgotten
            self.assertEqual(self.counter(monitor, "state_epochs_left_total"), 0)


class Consumer(StateTest):
    """A consumer that is slow, stopped and continued, while the monitor is killed in between."""

    def test_it_ends_up_with_every_alert_once(self):
        runs, rounds = 1_000, 25  # each round: a warning and a resolved for each run
        with self.monitor(stale_threshold_ms=HOUR // 2, alerts_kept=60_000) as monitor:
            agent = monitor.publisher()
            consumer = subprocess.Popen(
                [sys.executable, CONSUMING, monitor.alerts, monitor.status],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment())

            def end():
                consumer.kill()
                consumer.communicate()
            self.addCleanup(end)
            self.assertEqual(consumer.stdout.readline(), "following\n")
            for turn in range(rounds):
                for promise in (1, HOUR):
                    before = self.counter(monitor, "alerts_kept")
                    for first in range(0, runs, 500):
                        agent.send([activity(f"a{i}", stale_after_ms=promise)
                                    for i in range(first, first + 500)])
                    self.reached(monitor, before + runs)
                if turn % 5 == 1:
                    consumer.send_signal(signal.SIGSTOP)
                if turn % 5 == 4:
                    consumer.send_signal(signal.SIGCONT)
                if turn in (7, 13):
                    self.kill(monitor)
                    monitor.start()
                    self.assertTrue(agent.socket.poll(int(LIMIT * 1000)))
                    agent.socket.recv()
            consumer.send_signal(signal.SIGCONT)
            last = monitor.ask("alerts", since_seq=0, limit=1)["last_seq"]
            self.assertGreaterEqual(last, 2 * runs * rounds)
            consumer.stdin.write(f"{last}\n")
            consumer.stdin.flush()
            handled, twice, gaps = map(int, consumer.stdout.readline().split())
            self.assertEqual((handled, twice, gaps), (last, 0, 0))

    def reached(self, monitor, alerts):
        deadline = time.monotonic() + LIMIT
        while (kept := self.counter(monitor, "alerts_kept")) < alerts:
            self.assertLess(time.monotonic(), deadline, f"{kept} of {alerts} alerts")


class Storm(StateTest):
    def test_many_that_fall_silent_and_come_back_at_once_make_no_large_commit(self):
        runs = 10_000
        with self.monitor(stale_threshold_ms=2_000) as monitor:
            agent = monitor.publisher()

            def tell(make):
                for first in range(0, runs, 500):
                    agent.send([make(f"a{i}") for i in range(first, first + 500)])

            tell(register)
            for kind in ("stale", "resolved"):
                before = self.counter(monitor, "state_commits_total")
                if kind == "resolved":
                    tell(activity)
                waited(f"{kind} alerts", lambda kind=kind: self.counter(
                    monitor, f'alerts_published_total{{kind="{kind}"}}') >= runs)
                commits = self.counter(monitor, "state_commits_total") - before
                # At most 1,024 alerts wait for one, and those of the message that makes them so many.
                self.assertGreaterEqual(commits, runs / (1_024 + 500), kind)


class Trouble(StateTest):
    def test_a_file_that_takes_nothing_silences_nothing(self):
        with self.monitor(stale_threshold_ms=200, store_wait_max_ms=100) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            told(monitor, agent, register("first"))
            first = alert_of(alerts, "first", "stale")
            other = sqlite3.connect(self.state, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")  # somebody holds the file
            told(monitor, agent, register("second"))
            second = alert_of(alerts, "second", "stale")
            self.assertNotEqual(second["epoch"], first["epoch"])
            self.assertEqual(second["seq"], 1)
            self.assertEqual(self.epoch(monitor), second["epoch"])
            self.assertEqual(self.counter(monitor, "state_epochs_left_total"), 1)
            monitor.wait_for_log("which is not in the file")
            other.execute("ROLLBACK")
            other.close()
            told(monitor, agent, activity("first"))
            resolved = alert_of(alerts, "first", "resolved")
            self.assertEqual((resolved["epoch"], resolved["seq"]), (second["epoch"], 2))
            self.assertEqual(resolved["id"], first["id"])
            deadline = time.monotonic() + LIMIT  # what changed meanwhile is written after all
            reader = sqlite3.connect(f"file:{self.state}?mode=ro", uri=True)
            while ("second",) not in reader.execute("SELECT agent_id FROM runs").fetchall():
                self.assertLess(time.monotonic(), deadline)
            reader.close()
            self.kill(monitor)
            monitor.start()
            self.assertEqual(self.epoch(monitor), first["epoch"])
            told(monitor, monitor.publisher(), activity("second"))
            after = self.kept_alert(monitor, "second", "resolved")
            self.assertEqual((after["epoch"], after["seq"]), (first["epoch"], 2))
            self.assertEqual(after["id"], second["id"])

    def test_a_full_disk_silences_nothing(self):
        """The file lies on a disk of 2 MB of its own, which only this monitor sees."""
        disk = os.path.join(self.folder, "disk")
        os.mkdir(disk)
        self.state = os.path.join(disk, "state.db")
        with self.monitor(stale_threshold_ms=200) as monitor:
            self.kill(monitor)
            as_root = [] if os.getuid() == 0 else ["--map-root-user"]
            monitor.arguments = [
                "unshare", *as_root, "--mount", "sh", "-c",
                f'mount -t tmpfs -o size=2m tmpfs {disk} && exec "$@"', "sh", *monitor.arguments]
            monitor.start()
            agent, alerts = monitor.publisher(), monitor.subscribe()
            told(monitor, agent, register("first"))
            first = alert_of(alerts, "first", "stale")
            filler = f"/proc/{monitor.process.pid}/root{disk}/filler"
            with self.assertRaises(OSError), open(filler, "wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            told(monitor, agent, *[register(f"a{i}", detail="x" * 500) for i in range(200)])
            heard = [alert_of(alerts, f"a{i}", "stale") for i in range(200)]
            self.assertEqual({a["epoch"] for a in heard[-50:]}, {self.epoch(monitor)})
            self.assertNotEqual(self.epoch(monitor), first["epoch"])
            self.assertGreater(self.counter(monitor, "state_failures_total"), 0)
            monitor.wait_for_log("full")
            os.remove(filler)
            failures = self.counter(monitor, "state_commits_total")
            deadline = time.monotonic() + LIMIT
            while self.counter(monitor, "state_commits_total") == failures:  # it goes on by itself
                self.assertLess(time.monotonic(), deadline)

    def test_a_file_that_cannot_be_used_prevents_the_start(self):
        with self.monitor() as monitor:
            told(monitor, monitor.publisher(), register("a"))
            self.refused("another monitor")
        good = self.state
        for name, spoil, word in (
                ("garbage", lambda f: f.write(b"\x7fELF" * 5_000), "not a"),
                ("truncated", lambda f: f.truncate(5_000), "corrupt"),
                ("newer", None, "newer")):
            with self.subTest(name):
                self.state = os.path.join(self.folder, name)
                shutil.copy(good, self.state)
                if spoil is None:
                    other = sqlite3.connect(self.state)
                    other.execute("PRAGMA user_version = 99")
                    other.commit()
                    other.close()
                else:
                    with open(self.state, "r+b") as file:
                        spoil(file)
                self.refused(word)
        self.state = os.path.join(self.folder, "missing", "state.db")
        self.refused("missing")

    def refused(self, word):
        monitor = self.monitor()
        self.addCleanup(monitor.discard)
        with self.assertRaises(AssertionError):
            monitor.start()
        self.assertEqual(monitor.process.returncode, 2)
        self.assertRegex(monitor.log(), f"(?s)^hbmond: --state: .*{word}")
        self.assertEqual(monitor.log().count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
