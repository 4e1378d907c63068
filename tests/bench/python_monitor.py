"""The same monitor as one writes it in Python in an afternoon: a dict of runs, and a sweep over all
of them each interval. One of those that hbmond is held against:

    python3 python_monitor.py EVENTS_ENDPOINT ALERTS_ENDPOINT STATUS_ENDPOINT

It does less than hbmond: no sequence numbers, no promises, no replay, no checks. Answers
`counters`, so that hbload drives it. Ends by a signal.
"""

import sys
import time

import msgpack
import zmq

STALE_AFTER = 300.0
TIMEOUT_AFTER = 1800.0
SWEEP_INTERVAL = 1.0


class Monitor:
    def __init__(self, events, alerts, status):
        context = zmq.Context()
        self.events = context.socket(zmq.SUB)
        self.events.subscribe(b"")
        self.events.bind(events)
        self.alerts = context.socket(zmq.PUB)
        self.alerts.bind(alerts)
        self.status = context.socket(zmq.REP)
        self.status.bind(status)
        self.runs = {}
        self.messages_received = 0
        self.events_received = 0

    def run(self):
        poller = zmq.Poller()
        poller.register(self.events, zmq.POLLIN)
        poller.register(self.status, zmq.POLLIN)
        next_sweep = time.monotonic() + SWEEP_INTERVAL
        while True:
            ready = dict(poller.poll(max(0, int((next_sweep - time.monotonic()) * 1000))))
            if self.events in ready:
                self.read_events()
            if self.status in ready:
                self.answer()
            if time.monotonic() >= next_sweep:
                self.sweep()
                next_sweep = time.monotonic() + SWEEP_INTERVAL

    def read_events(self):
        for _ in range(1_000):
            try:
                _topic, payload = self.events.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            self.messages_received += 1
            message = msgpack.unpackb(payload)
            for event in message if isinstance(message, list) else [message]:
                self.fold(event)

    def fold(self, event):
        self.events_received += 1
        now = time.monotonic()
        key = event["agent_id"], event.get("run_id", "")
        kind = event["kind"]
        if kind == "unregister":
            self.runs.pop(key, None)
            return
        run = self.runs.get(key)
        if run is None or kind == "register":
            run = self.runs[key] = {"started": now - event.get("running_for_ms", 0) / 1000,
                                    "last_activity": now, "task_id": "", "warned": False}
        run["status"] = "idle" if kind == "idle" else "running"
        if kind != "idle":
            run["last_activity"] = now
            run["warned"] = False
        if "task_id" in event:
            run["task_id"] = event["task_id"]
        if "progress" in event:
            run["progress"] = event["progress"]

    def sweep(self):
        now = time.monotonic()
        ended = []
        for key, run in self.runs.items():
            if now - run["started"] > TIMEOUT_AFTER:
                self.publish("error", "timeout", key, run, now)
                ended.append(key)
            elif now - run["last_activity"] > STALE_AFTER and not run["warned"]:
                self.publish("warning", "stale", key, run, now)
                run["warned"] = True
        for key in ended:
            del self.runs[key]

    def publish(self, severity, kind, key, run, now):
        alert = {"v": 1, "severity": severity, "kind": kind, "agent_id": key[0], "run_id": key[1],
                 "task_id": run["task_id"], "idle_ms": int((now - run["last_activity"]) * 1000)}
        topic = f"alert.{severity}.{kind}.{key[0]}".encode()
        self.alerts.send_multipart([topic, msgpack.packb(alert)])

    def answer(self):
        self.status.recv()
        counters = {"messages_received_total": self.messages_received,
                    "events_received_total": self.events_received,
                    "runs_in_flight": len(self.runs)}
        self.status.send(msgpack.packb({"v": 1, "ok": True, "counters": counters}))


if __name__ == "__main__":
    Monitor(*sys.argv[1:]).run()
