#!/usr/bin/env python3
"""Five agents for ./tools/start --demo. Three behave, one hangs after 2 s, one never ends.

Usage: agents.py EVENTS_ENDPOINT. Speaks the protocol of schemas/README.md with pyzmq alone; runs
until SIGTERM.
"""
import os
import signal
import sys
import time

import msgpack
import zmq

BEAT_S = 1.0
SUBSCRIPTION_LIMIT_MS = 10_000


class Agent:
    """One agent: its own socket, as if it were a process of its own."""

    def __init__(self, context, endpoint, agent_id, agent_type):
        self.agent_id = agent_id
        self.agent_type = agent_type
        self.source = os.urandom(8).hex()
        self.seq = 0
        self.runs = 0
        # Like PUB, and sees the monitor subscribe: what is sent before that is lost.
        self.socket = context.socket(zmq.XPUB)
        self.socket.linger = 500
        self.socket.connect(endpoint)

    def wait_for_monitor(self):
        if not self.socket.poll(SUBSCRIPTION_LIMIT_MS):
            sys.exit(f"agents.py: no monitor has subscribed to {self.agent_id}'s events")
        self.socket.recv()

    def publish(self, kind, **fields):
        self.seq += 1
        event = {"v": 1, "kind": kind, "agent_id": self.agent_id, "run_id": f"run-{self.runs}",
                 "running_for_ms": int((time.monotonic() - self.started) * 1000),
                 "source": self.source, "seq": self.seq, "sent_at": int(time.time() * 1000),
                 **fields}
        self.socket.send_multipart([f"event.{self.agent_id}".encode(), msgpack.packb(event)])

    def register(self, task_id, **fields):
        self.runs += 1
        self.started = time.monotonic()
        self.publish("register", agent_type=self.agent_type, task_id=task_id, **fields)


def works(agent, tasks, phases, run_s):
    """Beats through one run after another, each of run_s seconds."""
    for task in tasks:
        agent.register(task, phase=phases[0])
        for step in range(1, run_s + 1):
            yield
            agent.publish("activity", phase=phases[step % len(phases)], progress=step)
        agent.publish("unregister", outcome="done", detail=f"{run_s} steps")
    agent.register("waits-for-review", timeout_after_ms=3_600_000)
    agent.publish("idle", phase="waiting:human", stale_after_ms=600_000,
                  detail="promised to be back within ten minutes")


def hangs(agent):
    # Its own long limit, so that only its silence shows.
    agent.register("fix-login-bug", phase="tool:run_tests", timeout_after_ms=600_000)
    for step in range(1, 3):
        yield
        agent.publish("activity", phase="tool:run_tests", progress=step,
                      detail="waiting for a test that never returns")


def endless(agent):
    agent.register("crawl-all-the-docs", phase="tool:web_search")
    step = 0
    while True:
        yield
        step += 1
        agent.publish("activity", phase="tool:web_search", progress=step)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: agents.py EVENTS_ENDPOINT")
    # As an exception, so that the sockets are closed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with zmq.Context() as context:
        names = [("planner", "pm"), ("coder-1", "coder"), ("reviewer", "reviewer"),
                 ("coder-hangs", "coder"), ("crawler-endless", "researcher")]
        agents = [Agent(context, sys.argv[1], *name) for name in names]
        try:
            for agent in agents:
                agent.wait_for_monitor()
            planner, coder, reviewer, stuck, crawler = agents
            courses = [
                works(planner, ["split-release-1.4", "write-changelog"], ["plan", "tool:tracker"], 8),
                works(coder, ["add-search", "add-export"], ["edit", "tool:compile", "test"], 7),
                works(reviewer, ["review-118", "review-121", "review-124"], ["read", "comment"], 5),
                hangs(stuck), endless(crawler)]
            while True:
                for course in courses:
                    next(course, None)
                time.sleep(BEAT_S)
        finally:
            for agent in agents:
                agent.socket.close()


if __name__ == "__main__":
    main()
