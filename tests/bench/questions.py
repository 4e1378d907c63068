"""Questions to the monitor one after the other, and how long each answer took."""

import itertools
import time

import msgpack
import zmq

from program import LIMIT, Silence


class Questions:
    def __init__(self, monitor, commands):
        self.socket = monitor.connect(zmq.REQ, monitor.status)
        self.requests = itertools.cycle([msgpack.packb({"v": 1, "cmd": cmd}) for cmd in commands])
        self.took_ms = []

    def ask_next(self):
        began = time.perf_counter()
        self.socket.send(next(self.requests))
        if not self.socket.poll(int(LIMIT * 1_000)):
            raise Silence(f"no answer within {LIMIT} s")
        reply = self.socket.recv()
        self.took_ms.append((time.perf_counter() - began) * 1_000)
        decoded = msgpack.unpackb(reply)
        assert decoded["ok"] is True, decoded
        return decoded
