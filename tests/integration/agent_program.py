"""What an example of an agent must do, whatever its language."""

import contextlib
import os
import socket
import subprocess
import tempfile

import msgpack
import zmq

from monitor import Monitor, receive
from program import LIMIT, clean_environment


@contextlib.contextmanager
def running(command, events, **options):
    """The agent with this events endpoint; it must end well by itself."""
    process = subprocess.Popen(command, env=clean_environment(HB_EVENTS=events), **options)
    try:
        yield
        if process.wait(LIMIT) != 0:
            raise AssertionError(f"{command} ended with {process.returncode}")
    finally:
        process.kill()
        process.wait()


def heard_by_a_late_monitor(command, **options):
    """Its events up to unregister, on a bus where nobody listens when the agent connects first."""
    with tempfile.TemporaryDirectory(prefix="hb-") as folder, zmq.Context() as context:
        path = os.path.join(folder, "events")
        with socket.socket(socket.AF_UNIX) as nobody:
            nobody.bind(path)
            nobody.listen()
            nobody.settimeout(LIMIT)
            with running(command, f"ipc://{path}", **options):
                nobody.accept()[0].close()
                nobody.close()
                os.unlink(path)
                with context.socket(zmq.SUB) as sub:
                    sub.linger = 0
                    sub.subscribe("event")
                    sub.bind(f"ipc://{path}")
                    events = []
                    while not events or events[-1]["kind"] != "unregister":
                        topic, payload = receive(sub)
                        message = msgpack.unpackb(payload)
                        batch = message if isinstance(message, list) else [message]
                        ids = {event["agent_id"] for event in batch}
                        assert topic.decode() in {"event", *(f"event.{i}" for i in ids)}, topic
                        events += batch
                    return events


def check_agent(test, command, agent_id, **options):
    """One run, told in full and in order, to a bare socket and to a real monitor."""
    events = heard_by_a_late_monitor(command, **options)
    kinds = [event["kind"] for event in events]
    test.assertEqual((kinds[0], set(kinds[1:-1]), kinds[-1]),
                     ("register", {"activity"}, "unregister"))
    test.assertEqual({event["agent_id"] for event in events}, {agent_id})
    for source in {event["source"] for event in events}:
        seqs = [event["seq"] for event in events if event["source"] == source]
        test.assertEqual(seqs, list(range(1, len(seqs) + 1)))
    ages = [event["running_for_ms"] for event in events]
    test.assertEqual(ages, sorted(ages))

    with Monitor() as monitor:
        with running(command, monitor.events, **options):
            pass
        while monitor.counters()["runs_unregistered_total"] < 1:
            monitor.check_running()
        counters = monitor.counters()
        test.assertEqual(counters["events_folded_total"], len(events))
        test.assertEqual(counters["events_received_total"], len(events))  # none was rejected
        test.assertEqual((counters["runs_started_total"], counters["runs_adopted_total"]), (1, 0))
        test.assertEqual(counters["events_lost_total"], 0)
        ended = monitor.request({"cmd": "agent", "agent_id": agent_id})["error"]
        test.assertEqual(ended["ended_by"], "unregister")
