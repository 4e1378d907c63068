"""How alerts and beats leave the monitor: keys, topics, sequence, replay."""

import json
import pathlib
import re
import time
import unittest

import jsonschema

from events import HOUR, activity, register, told
from monitor import Monitor, alert_of, next_alert, next_message

ALERT_SCHEMA = pathlib.Path(__file__).parents[2] / "schemas" / "alert.schema.json"


class Publication(unittest.TestCase):
    def test_alerts_are_complete(self):
        strings = ("epoch id severity kind agent_id run_id task_id agent_type message reason "
                   "supersedes storm source").split()
        numbers = ("v seq idle_ms idle_seconds elapsed_ms elapsed_seconds elapsed_minutes "
                   "threshold_ms raised_at lost_events blind_ms since_seq").split()
        types = {**dict.fromkeys(strings, str), **dict.fromkeys(numbers, int),
                 "overloaded": bool, "replayed": bool}
        with Monitor(stale_threshold_ms=100) as monitor:
            agent, sub = monitor.publisher(), monitor.subscribe()
            agent.send([register("dev", agent_type="coder"),
                        register("old", stale_after_ms=HOUR, timeout_after_ms=300)])
            stale = alert_of(sub, "dev", "stale")
            agent.send(activity("dev", stale_after_ms=HOUR))
            resolved = alert_of(sub, "dev", "resolved")
            timeout = alert_of(sub, "old", "timeout")
        for alert in (stale, resolved, timeout):
            self.assertEqual({key: type(value) for key, value in alert.items()}, types)
            self.assertEqual(alert["idle_seconds"], alert["idle_ms"] // 1_000)
            self.assertEqual(alert["elapsed_seconds"], alert["elapsed_ms"] // 1_000)
            self.assertEqual(alert["elapsed_minutes"], alert["elapsed_ms"] // 60_000)
            self.assertLess(abs(alert["raised_at"] / 1_000 - time.time()), 60)
            self.assertEqual(alert["source"], "heartbeat-monitor")
            jsonschema.validate(alert, json.loads(ALERT_SCHEMA.read_text(encoding="utf-8")))
        self.assertEqual(stale["agent_type"], "coder")
        self.assertRegex(stale["message"], r"^Stale agent detected: dev idle for \d+s$")
        self.assertRegex(resolved["message"], r"^Resolved: agent dev ")
        self.assertRegex(timeout["message"],
                         r"^Timeout: agent old running for 0min \(task: unknown\)$")

    def test_topics_select_by_severity_kind_and_agent(self):
        with Monitor(stale_threshold_ms=100) as monitor:
            agent = monitor.publisher()
            errors = monitor.subscribe("alert.error.")
            warnings = monitor.subscribe("alert.warning.")
            agent.send([register("dev"), register("old", stale_after_ms=HOUR,
                                                  timeout_after_ms=300)])
            topics = []
            for sub in (errors, warnings):
                topic, message = "monitor.beat", None
                while topic == "monitor.beat":
                    topic, message = next_message(sub)
                topics.append((topic, message["agent_id"]))
            self.assertEqual(topics, [("alert.error.timeout.old", "old"),
                                      ("alert.warning.stale.dev", "dev")])

    def test_alerts_have_no_gaps_and_can_be_replayed(self):
        with Monitor() as monitor:
            agent, sub = monitor.publisher(), monitor.subscribe()
            agent.send([register(f"a{i}", timeout_after_ms=100 + i) for i in range(30)])
            alerts = [next_alert(sub) for _ in range(30)]
            self.assertEqual([a["seq"] for a in alerts], list(range(1, 31)))
            page = monitor.ask("alerts")
            self.assertEqual((page["first_seq"], page["last_seq"]), (1, 30))
            self.assertEqual(page["alerts"], alerts)
            self.assertEqual(monitor.ask("alerts", since_seq=25)["alerts"], alerts[25:])
            self.assertEqual(monitor.ask("alerts", since_seq=5, limit=3)["alerts"], alerts[5:8])
            self.assertEqual(monitor.ask("alerts", since_seq=30)["alerts"], [])
            other = monitor.ask("alerts", since_seq=25, epoch="another")
            self.assertEqual(other["alerts"], alerts)
            self.assertEqual(other["epoch"], alerts[0]["epoch"])

    def test_only_so_many_alerts_are_kept(self):
        with Monitor(alerts_kept=10) as monitor:
            agent, sub = monitor.publisher(), monitor.subscribe()
            agent.send([register(f"a{i}", timeout_after_ms=100) for i in range(30)])
            alerts = [next_alert(sub) for _ in range(30)]
            page = monitor.ask("alerts")
            self.assertEqual((page["first_seq"], page["last_seq"]), (21, 30))
            self.assertEqual(page["alerts"], alerts[20:])

    def test_each_start_is_an_epoch_of_its_own(self):
        epochs = []
        for _ in range(2):
            with Monitor() as monitor:
                sub = monitor.subscribe()
                epochs.append(monitor.ask("ping")["epoch"])
                self.assertEqual(monitor.ask("status")["health"]["epoch"], epochs[-1])
                self.assertEqual(monitor.ask("alerts")["epoch"], epochs[-1])
                self.assertEqual(next_message(sub)[1]["epoch"], epochs[-1])
        self.assertNotEqual(*epochs)

    def test_the_beat_comes_each_second(self):
        with Monitor(stale_threshold_ms=100) as monitor:
            agent, sub = monitor.publisher(), monitor.subscribe()
            told(monitor, agent, register("dev"))
            self.assertEqual(next_alert(sub)["seq"], 1)
            beats = []
            while len(beats) < 3:
                topic, beat = next_message(sub)
                self.assertEqual(topic, "monitor.beat")
                beats.append(beat)
            self.assertEqual(
                beats[0].keys(), {"v", "epoch", "alert_seq", "agents_monitoring", "stale",
                                  "overloaded", "uptime_ms", "sent_at", "state_file"})
            self.assertEqual((beats[-1]["alert_seq"], beats[-1]["agents_monitoring"],
                              beats[-1]["stale"], beats[-1]["overloaded"]), (1, 1, 1, False))
            for before, after in zip(beats, beats[1:]):
                self.assertAlmostEqual(after["uptime_ms"] - before["uptime_ms"], 1_000, delta=400)
            self.assertTrue(re.fullmatch(r"[\x21-\x7e]+", beats[0]["epoch"]))


if __name__ == "__main__":
    unittest.main()
