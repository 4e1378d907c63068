"""What each event does, over real sockets, driven by pyzmq alone."""

import unittest

import msgpack

from events import activity, idle, register, told, unregister
from monitor import Monitor


class Events(unittest.TestCase):
    def test_every_kind_of_event_is_understood(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            told(monitor, agent, register("pm", task_id="T-1", agent_type="coder", phase="plan",
                                          detail="first", running_for_ms=5_000))
            [row] = monitor.ask("agents")["agents"]
            self.assertEqual((row["agent_id"], row["run_id"], row["task_id"], row["agent_type"]),
                             ("pm", "", "T-1", "coder"))
            self.assertEqual((row["status"], row["stale"], row["adopted"], row["phase"]),
                             ("running", False, False, "plan"))
            self.assertGreaterEqual(row["running_for_ms"], 5_000)

            told(monitor, agent, idle("pm", phase="waiting:human"))
            [row] = monitor.ask("agents")["agents"]
            self.assertEqual((row["status"], row["phase"], row["task_id"]),
                             ("idle", "waiting:human", "T-1"))

            told(monitor, agent, activity("pm", progress=7, task_id="", detail="second"))
            [row] = monitor.ask("agents")["agents"]
            self.assertEqual((row["status"], row["progress"], row["task_id"], row["detail"]),
                             ("running", 7, "", "second"))

            told(monitor, agent, unregister("pm", outcome="done"))
            self.assertEqual(monitor.ask("agents")["agents"], [])

    def test_a_batch_is_many_events(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            agent.send([register(f"a{i}") for i in range(1_024)])
            monitor.settled(agent)
            self.assertEqual(monitor.counters()["runs_in_flight"], 1_024)

    def test_two_runs_of_one_agent_are_side_by_side(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            told(monitor, agent, register("dev", run_id="r1"), register("dev", run_id="r2"),
                 unregister("dev", run_id="r1"))
            [row] = monitor.ask("agent", agent_id="dev")["runs"]
            self.assertEqual(row["run_id"], "r2")

    def test_activity_of_an_unknown_run_adopts_it(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            told(monitor, agent, activity("late", running_for_ms=60_000))
            [row] = monitor.ask("agents")["agents"]
            self.assertTrue(row["adopted"])
            self.assertGreaterEqual(row["running_for_ms"], 60_000)

    def test_no_adopt_unknown_ignores_it(self):
        with Monitor(adopt_unknown=False) as monitor:
            agent = monitor.publisher()
            told(monitor, agent, activity("late"), idle("late"))
            self.assertEqual(monitor.ask("agents")["agents"], [])
            self.assertEqual(monitor.counters()["events_ignored_total"], 2)

    def test_generous_input_is_accepted(self):
        def pairs(*items):  # a map whose keys may come twice
            packer = msgpack.Packer()
            body = b"".join(packer.pack(part) for item in items for part in item)
            return packer.pack_map_header(len(items)) + body

        accepted = [
            pairs(("v", 1.0), ("kind", "activity"), ("agent_id", "a"), ("running_for_ms", 2.0)),
            pairs(("v", 1), ("kind", "idle"), ("agent_id", "x"), ("agent_id", "a"),
                  ("kind", "activity")),
            pairs(("v", 1), ("kind", "activity"), ("agent_id", "a"), ("colour", [1, {"x": None}]),
                  ("task_id", None)),
            pairs(("v", 1), ("kind", "activity"), ("agent_id", "a"), ("timeout_after_ms", 1)),
            b"\x83\xa1v\xcf\x00\x00\x00\x00\x00\x00\x00\x01\xd9\x04kind\xda\x00\x08activity"
            b"\xdb\x00\x00\x00\x08agent_id\xa1a",  # wider than needed
            msgpack.packb({"v": 1, "kind": "activity", "agent_id": "a",
                           "deep": [[[[[[[]]]]]]]}),  # eight containers within each other
        ]
        with Monitor() as monitor:
            agent = monitor.publisher()
            for payload in accepted:
                agent.send_raw(b"event.a", payload)
            agent.marker()
            monitor.settled(agent)
            self.assertEqual(monitor.counters()["events_folded_total"], len(accepted))
            [row] = monitor.ask("agents")["agents"]
            self.assertEqual((row["agent_id"], row["status"]), ("a", "running"))

    def test_sequence_gaps_and_doubles_are_known(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            told(monitor, agent, register("a"), activity("a", seq=2), activity("a", seq=2),
                 activity("a", seq=5), activity("a", seq=4), activity("a", seq=6))
            counters = monitor.counters()
            self.assertEqual(counters["events_duplicate_total"], 1)
            self.assertEqual(counters["events_late_total"], 1)
            self.assertEqual(counters["events_lost_total"], 2)
            self.assertEqual(counters["events_folded_total"], 5)


if __name__ == "__main__":
    unittest.main()
