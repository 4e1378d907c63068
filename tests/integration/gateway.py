"""Runs hbgate for a test and asks it as any HTTP client would.

Every response is held against schemas/openapi.yaml.
"""

import http.client
import json
import os
import re
import select
import socket
import subprocess
import time
import urllib.parse

import contract
from program import BIN_DIR, LIMIT, Program, Silence, flags, waited

HBGATE = os.path.join(BIN_DIR, "hbgate")
TIMEOUT = "500ms"  # for the monitor's answers, so that its silence is told soon


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The error's code."""
        return self.json["error"]["code"]


def quoted(text):
    """A text, or bytes, as one segment of a path."""
    return urllib.parse.quote(text, safe="")


class Gateway(Program):
    """A running hbgate for that monitor (or endpoints in a dict); a context manager.

    Options are hbgate's, as keywords; a flag without a value is True.
    """

    def __init__(self, monitor, **options):
        super().__init__("hbgate")
        if not isinstance(monitor, dict):
            monitor = {name: getattr(monitor, name) for name in ("events", "alerts", "status")}
        options = {"listen": "127.0.0.1:0", "timeout": TIMEOUT, **monitor, **options}
        self.arguments = [HBGATE, *flags(options)]

    def start(self, port=None):
        """Waits for the line that names the address; `port`: the one to listen on."""
        arguments = list(self.arguments)
        if port is not None:
            arguments[arguments.index("--listen") + 1] = f"127.0.0.1:{port}"
        self.run(arguments, stdout=subprocess.PIPE)
        ready, _, _ = select.select([self.process.stdout], [], [], LIMIT)
        line = self.process.stdout.readline().decode() if ready else ""
        match = re.fullmatch(r"hbgate: listening on http://"
                             r"(127\.0\.0\.1|\[::1?\]|0\.0\.0\.0):(\d+)/\n", line)
        if not match:
            raise AssertionError(f"hbgate said {line!r}, and on stderr: {self.log()}")
        self.port = int(match[2])

    def request(self, method, target, body=None, timeout=LIMIT, **headers):
        """Keyword headers: content_type="…" is Content-Type."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, target, body, named)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        contract.check(method, target, answer.status, answer.headers, answer.body)
        return answer

    def get(self, target, **headers):
        return self.request("GET", target, **headers)

    def ask(self, path, **parameters):
        """The JSON of a question that must succeed; `path` without what all have in common."""
        query = urllib.parse.urlencode(parameters)
        answer = self.get(f"/api/heartbeat/{path}" + (f"?{query}" if query else ""))
        assert answer.status == 200, (answer.status, answer.body)
        return answer.json

    def post(self, events, **headers):
        """What becomes of events, told as JSON or as bytes."""
        body = events if isinstance(events, bytes) else json.dumps(events).encode()
        headers.setdefault("content_type", "application/json")
        return self.request("POST", "/api/heartbeat/events", body, **headers)

    def connect(self, source="127.0.0.1"):
        """`source`: the address that it comes from."""
        return socket.create_connection(("127.0.0.1", self.port), LIMIT, (source, 0))

    def raw(self, request, **whence):
        """All that comes back where these bytes are all that is sent."""
        with self.connect(**whence) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
            return received

    def stream(self, **headers):
        return Stream(self, **headers)

    def ready(self):
        """Waits until its own subscription and its questions to the monitor work."""
        waited("the monitor answers hbgate", lambda: self.get("/readyz").status == 200)
        return self


class Stream:
    """An open /api/heartbeat/stream; a context manager."""

    def __init__(self, gateway, receive_buffer=None, **headers):
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(LIMIT)
        self.socket.connect(("127.0.0.1", gateway.port))
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.socket.sendall(f"GET /api/heartbeat/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n"
                            .encode())
        self.buffer = b""
        self.place = None  # of the last alert, as the next status names it

    def __enter__(self):
        self.head = self.part(b"\r\n\r\n").decode()
        assert self.head.startswith("HTTP/1.1 200 "), self.head
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def part(self, mark):
        """What comes before the mark."""
        while mark not in self.buffer:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise EOFError(f"the stream ended; left over: {self.buffer[:200]!r}")
            self.buffer += chunk
        part, _, self.buffer = self.buffer.partition(mark)
        return part

    def next(self):
        """Name, data and id of the next event."""
        fields = dict(line.split(": ", 1) for line in self.part(b"\n\n").decode().split("\n"))
        data = json.loads(fields["data"])
        contract.check_stream_event(fields["event"], data)
        if fields["event"] == "alert":
            self.place = f"{data['epoch']}/{data['seq']}"
            assert fields["id"] == self.place, fields
        elif fields["event"] == "restarted":
            self.place = f"{data['epoch']}/0"
        elif fields["event"] == "lost":
            self.place = None
        else:
            assert fields["event"] == "status" or "id" not in fields, fields
            assert self.place is None or fields.get("id", self.place) == self.place, fields
        return fields["event"], data, fields.get("id")

    def until(self, *names):
        """The next event of one of these names."""
        deadline = time.monotonic() + LIMIT
        while True:
            event = self.next()
            if event[0] in names:
                return event
            if time.monotonic() > deadline:
                raise Silence(f"no {names} within {LIMIT} s, the last was {event}")

    def alerts(self, count):
        """The data of so many alerts; anything between them but a status is a failure."""
        found = []
        while len(found) < count:
            name, data, _ = self.until("alert", "lost", "restarted")
            assert name == "alert", (name, data, f"after {len(found)} of {count}")
            found.append(data)
        return found
