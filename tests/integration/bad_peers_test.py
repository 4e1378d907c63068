"""Peers that break off, do not read, or send too much: nobody else notices."""

import contextlib
import os
import re
import socket
import threading
import time
import unittest

import msgpack
import zmq

from events import register, told
from monitor import Monitor, Publisher, next_alert, next_message, receive
from program import LIMIT

ANYWHERE = {name: "tcp://127.0.0.1:*" for name in ("events", "alerts", "status")}
GREETING = (b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f"  # signature
            b"\x03\x00" + b"NULL".ljust(20, b"\x00") + b"\x00" * 32)  # ZMTP 3.0, mechanism NULL
READY_AS_PUB = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03PUB"
EVENT_FRAME = b"\x01\x05event"  # more frames follow; 5 bytes


def connect(endpoint):
    host, port = re.fullmatch(r"tcp://(.+):(\d+)", endpoint).groups()
    return socket.create_connection((host, int(port)), timeout=LIMIT)


def shake_hands(peer):
    peer.sendall(GREETING + READY_AS_PUB)
    seen = b""
    while b"READY" not in seen:
        chunk = peer.recv(4096)
        assert chunk, f"the monitor hung up after {seen!r}"
        seen += chunk


class BadPeers(unittest.TestCase):
    def still_serves(self, monitor):
        agent = monitor.publisher()
        told(monitor, agent, register("alive"))
        self.assertEqual(len(monitor.ask("agent", agent_id="alive")["runs"]), 1)
        agent.close()

    def test_clients_that_ask_and_die(self):
        with Monitor() as monitor:
            for _ in range(100):
                client = monitor.context.socket(zmq.REQ)
                client.linger = int(LIMIT * 1000)  # what was asked does reach the monitor
                client.connect(monitor.status)
                client.send(msgpack.packb({"v": 1, "cmd": "status"}))
                client.close()
            self.still_serves(monitor)

    def test_a_dealer_without_the_empty_frame(self):
        with Monitor() as monitor:
            dealer = monitor.connect(zmq.DEALER, monitor.status)
            dealer.send(msgpack.packb({"v": 1, "cmd": "ping"}))
            dealer.send_multipart([b"", msgpack.packb({"v": 1, "cmd": "ping"})])
            empty, reply = receive(dealer)
            self.assertEqual(empty, b"")
            self.assertTrue(msgpack.unpackb(reply)["ok"])
            self.still_serves(monitor)

    def test_a_subscriber_that_does_not_read(self):
        kept = 100  # and not much more is queued for a subscriber
        with Monitor(alerts_kept=kept) as monitor:
            lazy = monitor.context.socket(zmq.SUB)
            lazy.linger = 0
            lazy.rcvhwm = 1
            lazy.connect(monitor.alerts)
            lazy.subscribe("")
            receive(lazy)  # its subscription works; from here on it does not read
            agent, alerts = monitor.publisher(), monitor.subscribe()
            # As large as alerts get: several MB more than its queue and all buffers hold.
            long = {"timeout_after_ms": 1, "run_id": "r" * 128, "task_id": "t" * 128}
            for batch in range(100):
                agent.send([register(f"a{batch}-{i}", **long) for i in range(kept)])
                seqs = [next_alert(alerts)["seq"] for _ in range(kept)]
                self.assertEqual(seqs, list(range(batch * kept + 1, (batch + 1) * kept + 1)))
            lazy.rcvhwm = 0
            heard = 0
            while lazy.poll(200):
                heard += 1
                lazy.recv_multipart()
            self.assertLess(heard, 100 * kept)  # its queue was full
            self.still_serves(monitor)

    def test_a_client_that_asks_and_does_not_read(self):
        # Under the address sanitizer, freed memory would count as held.
        sanitizer = {"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:quarantine_size_mb=8"}
        with Monitor(environment=sanitizer) as monitor:
            agent = monitor.publisher()
            for batch in range(4):
                agent.send([register(f"a{batch}-{i}", detail="d" * 512) for i in range(250)])
            monitor.settled(agent)
            before = monitor.memory_mib()
            dealer = monitor.context.socket(zmq.DEALER)
            dealer.linger = 0
            dealer.rcvhwm = 1
            dealer.connect(monitor.status)
            for _ in range(800):
                dealer.send_multipart([b"", msgpack.packb({"v": 1, "cmd": "status"})])
            requests = monitor.counters()["status_requests_total"]
            deadline = time.monotonic() + LIMIT
            while requests < 800:
                self.assertLess(time.monotonic(), deadline)
                requests = monitor.counters()["status_requests_total"]
            self.assertLess(monitor.memory_mib() - before, 100)  # all replies are several times that
            self.still_serves(monitor)

    def test_a_flood_of_large_junk(self):
        junk = msgpack.packb({"v": 1, "kind": "activity", "agent_id": "junk",
                              "junk": [None] * 250_000})
        with Monitor(timeout_threshold_ms=1_000) as monitor:
            stop = threading.Event()
            flood = threading.Thread(target=self.flood, args=(monitor, junk, stop))
            sub = monitor.subscribe()
            flood.start()
            try:
                while monitor.counters()["messages_received_total"] < 100:
                    monitor.check_running()
                agent = monitor.publisher()
                told(monitor, agent, register("alive"))
                agent.close()
                beats = 0
                began = time.monotonic()
                timed_out = None
                while time.monotonic() < began + 7:
                    topic, message = next_message(sub, 3)
                    beats += topic == "monitor.beat"
                    if message.get("agent_id") == "alive":
                        timed_out = message
                self.assertGreaterEqual(beats, 5)
                # Where the flood leaves no moment without input, the verdict waits 5 s, no longer.
                self.assertEqual((timed_out or {}).get("kind"), "timeout")
                self.assertLess(monitor.memory_mib(), 1_000)
                monitor.stop()  # within its time, in the midst of the flood
            finally:
                stop.set()
                flood.join()
                monitor.start()

    @staticmethod
    def flood(monitor, payload, stop):
        publisher = Publisher(monitor.context, monitor.events)
        publisher.socket.sndtimeo = 100
        publisher.socket.linger = 0
        while not stop.is_set():
            try:
                publisher.send_raw(b"event", payload)
            except zmq.Again:
                pass
        publisher.close()

    def test_connections_that_vanish_in_the_greeting(self):
        with Monitor(**ANYWHERE) as monitor:
            for endpoint in (monitor.events, monitor.alerts, monitor.status):
                for said in (b"", GREETING[:5], GREETING[:12], GREETING,
                             GREETING + READY_AS_PUB[:9],
                             b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00" * 100):
                    for _ in range(10):
                        with connect(endpoint) as peer:
                            peer.sendall(said)
            self.still_serves(monitor)
            monitor.subscribe().close()

    def test_peers_that_speak_http(self):
        # Long enough to be taken for whole messages of ZMTP 1, which has no greeting.
        request = (b"GET /" + b"x" * 100 + b" HTTP/1.1\r\nHost: x\r\n\r\n") * 2
        with Monitor(**ANYWHERE) as monitor:
            for endpoint in (monitor.events, monitor.alerts, monitor.status):
                with contextlib.ExitStack() as stay:
                    for _ in range(150):
                        stay.enter_context(connect(endpoint)).sendall(request)
                        with connect(endpoint) as peer:
                            peer.sendall(request)
                    self.still_serves(monitor)
            self.still_serves(monitor)
            self.assertEqual(monitor.counters()["events_rejected_total{reason=\"malformed\"}"], 0)

    def test_an_agent_that_vanishes_in_the_middle_of_a_message(self):
        whole = msgpack.packb({"v": 1, "kind": "register", "agent_id": "half"})
        halves = [EVENT_FRAME, EVENT_FRAME + b"\x00", EVENT_FRAME + b"\x00" + bytes([len(whole)]),
                  EVENT_FRAME + b"\x00" + bytes([len(whole)]) + whole[:-1]]
        with Monitor(**ANYWHERE) as monitor:
            for half in halves:
                with connect(monitor.events) as peer:
                    shake_hands(peer)
                    peer.sendall(half)
            self.still_serves(monitor)
            counters = monitor.counters()
            self.assertEqual(counters["events_received_total"], 1)
            with connect(monitor.events) as peer:  # the same by hand and whole is an event
                shake_hands(peer)
                peer.sendall(halves[2] + whole)
                while len(monitor.ask("agents")["agents"]) < 2:
                    monitor.check_running()

    def test_a_message_of_257_kib_is_dropped_and_its_connection_with_it(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            agent.send(register("big", detail="x" * 257 * 1024))
            self.assertEqual(receive(agent.socket)[0][:1], b"\x01")  # connected anew
            told(monitor, agent, register("small"))
            self.assertEqual([row["agent_id"] for row in monitor.ask("agents")["agents"]],
                             ["small"])
            self.still_serves(monitor)

    def test_a_message_just_below_the_limit_is_read(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            agent.send([register(f"a{i}", padding="x" * 200) for i in range(900)])
            monitor.settled(agent)
            self.assertEqual(monitor.counters()["runs_in_flight"], 900)

    def test_a_request_beyond_the_limit_is_dropped(self):
        with Monitor() as monitor:
            client = monitor.connect(zmq.REQ, monitor.status)
            client.send(b"x" * 257 * 1024)
            self.still_serves(monitor)


if __name__ == "__main__":
    unittest.main()
