"""Runs hbmond for a test and talks to it as any pyzmq program would."""

import os
import re
import secrets
import subprocess
import time

import msgpack
import zmq

from program import BIN_DIR, LIMIT, Program, Silence, clean_environment, flags

HBMOND = os.path.join(BIN_DIR, "hbmond")


def receive(socket, timeout=LIMIT):
    """The frames of the next message."""
    if not socket.poll(max(0, int(timeout * 1000))):
        raise Silence(f"no message within {timeout} s")
    return socket.recv_multipart()


def next_message(sub, timeout=LIMIT):
    """Topic and payload of the next published message, alert or beat."""
    topic, payload = receive(sub, timeout)
    return topic.decode(), msgpack.unpackb(payload)


def next_alert(sub, timeout=LIMIT):
    """The next alert; beats are passed over."""
    deadline = time.monotonic() + timeout
    while True:
        topic, message = next_message(sub, deadline - time.monotonic())
        if topic.startswith("alert."):
            return message


def alert_of(sub, agent_id, kind, timeout=LIMIT):
    """The next alert of this kind about this agent; others are passed over."""
    deadline = time.monotonic() + timeout
    while True:
        alert = next_alert(sub, deadline - time.monotonic())
        if alert["agent_id"] == agent_id and alert["kind"] == kind:
            return alert


class Publisher:
    """An agent's process: one PUB connection, one source, a seq per event."""

    def __init__(self, context, endpoint):
        self.socket = context.socket(zmq.XPUB)
        self.socket.linger = 1000
        # Without this a full pipe would lose events silently, and a test would blame the monitor.
        self.socket.setsockopt(zmq.XPUB_NODROP, 1)
        # A monitor that connects anew is seen, although its subscription is an old one.
        self.socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        self.socket.reconnect_ivl = 10
        self.socket.connect(endpoint)
        self.source = secrets.token_hex(8)
        self.seq = 0
        subscription = receive(self.socket)
        assert subscription[0][:1] == b"\x01", subscription

    def complete(self, event):
        """The event as it goes out: with v, source and the next seq unless it has its own."""
        self.seq += 1
        whole = {"v": 1, "source": self.source, "seq": self.seq, **event}
        self.seq = whole["seq"]
        return whole

    def send(self, event):
        """Sends an event (a dict), or several as one batch (a list)."""
        batch = isinstance(event, list)
        payload = [self.complete(e) for e in event] if batch else self.complete(event)
        self.send_raw(b"event", msgpack.packb(payload))

    def send_raw(self, *frames):
        self.socket.send_multipart(frames)

    def marker(self):
        """Sends an event that changes nothing, to wait for: what went before it is read by then.

        Counted once as received and ignored.
        """
        self.send({"kind": "unregister", "agent_id": "marker"})

    def close(self):
        self.socket.close()


class Monitor(Program):
    """A running hbmond on endpoints of its own; a context manager.

    Options are hbmond's, as keywords. `config_text` becomes its --config file (`config_path`),
    `environment` is added to its environment.
    """

    def __init__(self, config_text=None, environment=None, **options):
        super().__init__("hbmond")
        for name in ("events", "alerts", "status"):
            options.setdefault(name, f"ipc://{self.path}/{name}")
        self.config_path = os.path.join(self.path, "hbmond.toml")
        if config_text is not None:
            self.write_config(config_text)
            options.setdefault("config", self.config_path)
        self.events, self.alerts, self.status = (options[n] for n in ("events", "alerts", "status"))
        self.arguments = [HBMOND, *flags(options)]
        self.environment = clean_environment(**(environment or {}))
        self.context = zmq.Context()

    def start(self, **options):
        """`options` are Popen's, such as where its log goes."""
        self.run(self.arguments, **{"stdout": subprocess.DEVNULL, "env": self.environment,
                                    **options})
        deadline = time.monotonic() + LIMIT
        if any(e.endswith(":*") for e in (self.events, self.alerts, self.status)):
            self.events, self.alerts, self.status = self.bound_endpoints(deadline)
        while True:
            try:
                self.request({"cmd": "ping"}, timeout=0.2)
                return
            except Silence:
                self.check_running()
                if time.monotonic() > deadline:
                    raise Silence(f"hbmond does not answer; its log:\n{self.log()}") from None

    def bound_endpoints(self, deadline):
        """The endpoints in the start lines of the log, in the order events, alerts, status."""
        while True:
            log = self.log()
            found = [re.search(rf"\b{name}\b\W+(tcp://[^\s,;)\"]+:[1-9]\d*)", log)
                     for name in ("events", "alerts", "status")]
            if all(found):
                return [match[1] for match in found]
            self.check_running()
            if time.monotonic() > deadline:
                raise Silence(f"the log names no bound endpoints:\n{log}")
            self.wait_for_exit(0.02)

    def discard(self):
        self.context.destroy(linger=0)
        super().discard()

    def wait_for_log(self, pattern, timeout=LIMIT):
        """The match of `pattern` in the log; the log is looked at again as the monitor answers."""
        deadline = time.monotonic() + timeout
        while True:
            match = re.search(pattern, self.log())
            if match:
                return match
            if time.monotonic() > deadline:
                raise Silence(f"{pattern!r} is not in the log:\n{self.log()}")
            self.check_running()
            self.wait_for_exit(0.02)

    def write_config(self, text):
        with open(self.config_path, "w", encoding="utf-8") as config:
            config.write(text)

    def connect(self, kind, endpoint):
        socket = self.context.socket(kind)
        socket.linger = 0
        socket.reconnect_ivl = 10
        socket.connect(endpoint)
        return socket

    def request_raw(self, *frames, timeout=LIMIT):
        """The reply, decoded, to a request of exactly these frames."""
        socket = self.connect(zmq.REQ, self.status)
        try:
            socket.send_multipart(frames)
            reply = receive(socket, timeout)
        finally:
            socket.close()
        assert len(reply) == 1, f"{len(reply)} frames in a reply"
        return msgpack.unpackb(reply[0])

    def request(self, request, timeout=LIMIT):
        return self.request_raw(msgpack.packb({"v": 1, **request}), timeout=timeout)

    def ask(self, cmd, **arguments):
        """The reply to a request that must succeed."""
        reply = self.request({"cmd": cmd, **arguments})
        assert reply["ok"] is True, reply
        return reply

    def counters(self):
        return self.ask("counters")["counters"]

    def publisher(self):
        return Publisher(self.context, self.events)

    def settled(self, publisher):
        """Waits until the monitor has read everything that this publisher has sent."""
        deadline = time.monotonic() + LIMIT
        while self.ask("ping", source=publisher.source)["source_seq"] < publisher.seq:
            if time.monotonic() > deadline:
                raise Silence(f"seq {publisher.seq} was not read; log:\n{self.log()}")

    def subscribe(self, prefix="alert."):
        """A SUB whose subscription works: the monitor's beat has come through it."""
        sub = self.connect(zmq.SUB, self.alerts)
        sub.subscribe(prefix)
        sub.subscribe("monitor.beat")
        while next_message(sub)[0] != "monitor.beat":
            pass
        return sub
