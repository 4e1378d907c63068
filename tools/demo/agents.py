"""Five agents for `tools/start --demo`: three behave, one hangs, one runs for ever.

Usage: agents.py EVENTS_ENDPOINT. Beats every half second until it is stopped.
"""

import os
import signal
import sys
import time

import msgpack
import zmq

BEAT_S = 0.5
HANGS_AFTER_S = 2


class Agent:
    def __init__(self, name, task, phase, hangs=False, job_s=None):
        self.name, self.task, self.phase, self.hangs, self.job_s = name, task, phase, hangs, job_s
        self.started = None

    def beat(self, publish, now):
        age = 0 if self.started is None else now - self.started
        if self.started is None:
            self.started = now
            publish("register", self, 0)
        elif self.hangs and age > HANGS_AFTER_S:
            return
        elif self.job_s and age > self.job_s:
            publish("unregister", self, age, outcome="done")
            self.started = None
        else:
            publish("activity", self, age)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    socket = zmq.Context().socket(zmq.XPUB)
    socket.setsockopt(zmq.LINGER, 200)
    socket.connect(sys.argv[1])
    socket.recv()  # the monitor has subscribed; what is sent before that is lost
    source, seq = os.urandom(8).hex(), 0

    def publish(kind, agent, age, **more):
        nonlocal seq
        seq += 1
        event = {"v": 1, "kind": kind, "agent_id": agent.name, "task_id": agent.task,
                 "running_for_ms": int(age * 1000), "source": source, "seq": seq, **more}
        if kind != "unregister":
            event["phase"] = agent.phase
        socket.send_multipart([b"event." + agent.name.encode(), msgpack.packb(event)])

    agents = [
        Agent("planner", "plan-release", "thinking", job_s=4),
        Agent("coder", "fix-login", "tool:edit", job_s=7),
        Agent("reviewer", "review-812", "reading", job_s=5),
        Agent("searcher", "find-sources", "tool:web_search", hangs=True),
        Agent("tester", "soak-test", "tool:run_tests"),
    ]
    while True:
        for agent in agents:
            agent.beat(publish, time.monotonic())
        time.sleep(BEAT_S)


main()
