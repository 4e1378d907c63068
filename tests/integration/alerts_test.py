"""When an alert is raised, and with what words."""

import unittest

from events import HOUR, activity, idle, register, told, unregister
from monitor import Monitor, alert_of, next_alert


class Alerts(unittest.TestCase):
    def test_silence_is_stale_and_activity_resolves_it(self):
        with Monitor(stale_threshold_ms=200) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            told(monitor, agent, register("dev", task_id="T-2"))
            stale = next_alert(alerts)
            self.assertEqual((stale["kind"], stale["severity"], stale["task_id"]),
                             ("stale", "warning", "T-2"))
            self.assertEqual(stale["threshold_ms"], 200)
            self.assertGreater(stale["idle_ms"], 200)
            agent.send(activity("dev"))
            resolved = next_alert(alerts)
            self.assertEqual((resolved["kind"], resolved["severity"], resolved["reason"]),
                             ("resolved", "info", "activity"))
            self.assertEqual(resolved["id"], stale["id"])
            self.assertGreaterEqual(resolved["idle_ms"], stale["idle_ms"])
            again = next_alert(alerts)
            self.assertEqual(again["kind"], "stale")
            self.assertNotEqual(again["id"], stale["id"])

    def test_each_way_out_of_a_silence_has_its_reason(self):
        ways = {"activity": activity("dev", stale_after_ms=None),
                "promise": idle("dev", stale_after_ms=HOUR),
                "unregistered": unregister("dev"),
                "re-registered": register("dev")}
        with Monitor(stale_threshold_ms=100) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            for reason, event in ways.items():
                with self.subTest(reason):
                    agent.send(register("dev"))
                    stale = alert_of(alerts, "dev", "stale")
                    agent.send(event)
                    resolved = next_alert(alerts)
                    self.assertEqual((resolved["kind"], resolved["reason"], resolved["id"]),
                                     ("resolved", reason, stale["id"]))
                    agent.send(unregister("dev"))

    def test_a_promise_replaces_the_threshold(self):
        with Monitor(stale_threshold_ms=HOUR) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            agent.send(activity("hasty", stale_after_ms=150))
            broken = next_alert(alerts)
            self.assertEqual((broken["kind"], broken["threshold_ms"]), ("stale", 150))
            told(monitor, agent, activity("hasty"))
            [row] = monitor.ask("agent", agent_id="hasty")["runs"]
            self.assertEqual((row["stale_after_ms"], row["stale_after_from"]),
                             (HOUR, "configuration"))

    def test_a_long_promise_is_not_stale(self):
        with Monitor(stale_threshold_ms=100) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            agent.send([activity("patient", stale_after_ms=HOUR),
                        register("clock", timeout_after_ms=400, stale_after_ms=HOUR)])
            self.assertEqual(next_alert(alerts)["agent_id"], "clock")

    def test_a_run_may_bring_its_own_timeout(self):
        with Monitor() as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            agent.send(register("job", run_id="7", task_id="T-3", timeout_after_ms=200))
            timeout = next_alert(alerts)
            self.assertEqual((timeout["kind"], timeout["severity"], timeout["run_id"]),
                             ("timeout", "error", "7"))
            self.assertEqual((timeout["threshold_ms"], timeout["task_id"]), (200, "T-3"))
            self.assertGreater(timeout["elapsed_ms"], 200)
            self.assertEqual(monitor.ask("agents")["agents"], [])

    def test_a_register_that_is_already_too_old_times_out_at_once(self):
        with Monitor() as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            agent.send(register("old", running_for_ms=2 * HOUR))
            timeout = next_alert(alerts)
            self.assertEqual(timeout["message"],
                             "Timeout: agent old running for 120min (task: unknown)")

    def test_activity_does_not_postpone_a_timeout_and_supersedes_names_the_silence(self):
        with Monitor(stale_threshold_ms=100, timeout_threshold_ms=500) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            agent.send(register("dev"))
            stale = next_alert(alerts)
            timeout = next_alert(alerts)
            self.assertEqual((stale["kind"], timeout["kind"]), ("stale", "timeout"))
            self.assertEqual(timeout["supersedes"], stale["id"])
            self.assertNotEqual(timeout["id"], stale["id"])
            self.assertEqual(monitor.ask("alerts")["last_seq"], 2)

    def test_late_events_of_a_run_that_timed_out_revive_nothing(self):
        with Monitor() as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            agent.send(register("dev", timeout_after_ms=100))
            self.assertEqual(next_alert(alerts)["kind"], "timeout")
            told(monitor, agent, activity("dev"), idle("dev"), activity("dev", running_for_ms=HOUR))
            self.assertEqual(monitor.counters()["events_zombie_total"], 3)
            self.assertEqual(monitor.ask("agents")["agents"], [])
            told(monitor, agent, activity("dev", running_for_ms=0))  # began after that end
            [row] = monitor.ask("agents")["agents"]
            self.assertTrue(row["adopted"])

    def test_repeats_of_a_warning_keep_its_id(self):
        with Monitor(stale_threshold_ms=100, check_interval_ms=100,
                     stale_warning_only_once=False) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            agent.send(register("dev"))
            warnings = [next_alert(alerts) for _ in range(3)]
            self.assertEqual({w["kind"] for w in warnings}, {"stale"})
            self.assertEqual(len({w["id"] for w in warnings}), 1)
            for before, after in zip(warnings, warnings[1:]):
                self.assertGreaterEqual(after["idle_ms"] - before["idle_ms"], 100)

    def test_without_rearm_there_is_one_warning_per_registration(self):
        with Monitor(stale_threshold_ms=100, stale_rearm=False) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            agent.send(register("dev"))
            self.assertEqual(next_alert(alerts)["kind"], "stale")
            agent.send([activity("dev"), register("clock", timeout_after_ms=500,
                                                  stale_after_ms=HOUR)])
            self.assertEqual(next_alert(alerts)["kind"], "resolved")
            self.assertEqual(next_alert(alerts)["agent_id"], "clock")
            [row] = monitor.ask("agents", status="stale")["agents"]
            self.assertEqual(row["agent_id"], "dev")
            agent.send(register("dev"))
            self.assertEqual(next_alert(alerts)["kind"], "stale")

    def test_losses_on_the_bus_are_said_in_the_alert(self):
        with Monitor(stale_threshold_ms=300) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            told(monitor, agent, register("dev"), register("other", seq=4))
            self.assertEqual(alert_of(alerts, "dev", "stale")["lost_events"], 2)
            self.assertEqual(alert_of(alerts, "other", "stale")["lost_events"], 0)

    def test_equal_deadlines_fire_in_order_of_registration(self):
        with Monitor() as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            names = [f"a{(i * 37) % 101}" for i in range(101)]
            agent.send([register(name, timeout_after_ms=200) for name in names])
            self.assertEqual([next_alert(alerts)["agent_id"] for _ in names], names)

    def test_a_full_fleet_says_so(self):
        with Monitor(runs_max=20) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            agent.send([register(f"a{i}") for i in range(21)])
            capacity = next_alert(alerts)
            self.assertEqual((capacity["kind"], capacity["severity"], capacity["agent_id"]),
                             ("capacity", "error", ""))
            agent.send([unregister("a0"), unregister("a1")])
            subsided = next_alert(alerts)
            self.assertEqual((subsided["kind"], subsided["reason"], subsided["id"]),
                             ("resolved", "subsided", capacity["id"]))
            counters = monitor.counters()
            self.assertEqual(counters['events_rejected_total{reason="too_many_runs"}'], 1)


if __name__ == "__main__":
    unittest.main()
