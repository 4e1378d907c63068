"""A process of agents that beat: python3 beating.py ENDPOINT AGENTS INTERVAL_S [FLOOD_BATCH [NAME]]

Registers the agents a0, a1, … (or NAME0, …) and reports activity of each every interval, in batches. With
FLOOD_BATCH it sends nothing but activity of one agent, `flood`, as fast as it can, in batches of
that many. A line on standard output tells that all have registered. A line `stop NAME` on standard
input ends the reports of one agent; its end ends the process.
"""

import selectors
import sys
import time

import msgpack
import zmq

from events import activity, register
from monitor import Publisher

BATCH = 128


def batches(events):
    return [events[i:i + BATCH] for i in range(0, len(events), BATCH)]


def beat(publisher, agents, interval):
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    due = time.monotonic()
    while True:
        for some in batches(agents):
            publisher.send([activity(agent) for agent in some])
        due = max(due + interval, time.monotonic())
        while (left := due - time.monotonic()) > 0:
            if selector.select(left):
                line = sys.stdin.readline()
                if not line:
                    return
                agents.remove(line.split()[1])


def flood(publisher, size):
    """Packed once: whoever packs each time floods nobody."""
    event = {"v": 1, **activity("flood")}
    payload = msgpack.packb(event if size == 1 else [event] * size)
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    while not selector.select(0):
        for _ in range(256):
            publisher.send_raw(b"event", payload)


def main(endpoint, agents, interval, flood_batch="0", name="a"):
    publisher = Publisher(zmq.Context.instance(), endpoint)
    names = [f"{name}{i}" for i in range(int(agents))] if flood_batch == "0" else ["flood"]
    for some in batches(names):
        publisher.send([register(agent) for agent in some])
    print("registered", flush=True)
    if flood_batch == "0":
        beat(publisher, names, float(interval))
    else:
        flood(publisher, int(flood_batch))
    publisher.socket.linger = 0


if __name__ == "__main__":
    main(*sys.argv[1:])
