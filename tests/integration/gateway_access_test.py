"""Who may ask what: tokens, names of hosts, pages of other sites; and what is too much."""

import os
import select
import signal
import socket
import subprocess
import tempfile
import unittest

import contract
from events import activity, register, told
from gateway import HBGATE, Gateway
from monitor import Monitor
from program import LIMIT, clean_environment, waited

READ, WRITE = "r" * 20, "w" * 20
OPEN = {"/healthz", "/readyz", "/"}


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def run(*arguments, **environment):
    """Exit code and stderr of an hbgate that does not start to serve."""
    done = subprocess.run([HBGATE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=LIMIT, env=clean_environment(**environment))
    return done.returncode, done.stderr


class WithGateway(unittest.TestCase):
    tokens = None

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="hb-"))
        self.token_file = os.path.join(self.folder, "tokens")
        options = {}
        if self.tokens is not None:
            self.write_tokens(self.tokens)
            options["token_file"] = self.token_file
        self.monitor = self.enterContext(Monitor())
        self.gateway = self.enterContext(Gateway(self.monitor, **options)).ready()

    def write_tokens(self, text):
        with open(self.token_file, "w", encoding="ascii") as file:
            file.write(text)

    def each(self):
        """Method, target and right of each operation; what opens none is left out."""
        for path, method, operation in contract.operations():
            right = "write" if "write" in operation["tags"] else "read"
            yield method, path.replace("{agent_id}", "a"), None if path in OPEN else right

    def status(self, method, target, **headers):
        """Of any request; of a stream only the head is read."""
        if target.endswith("/stream"):
            method = "HEAD"
        body = b'{"kind": "activity", "agent_id": "a"}' if method == "POST" else None
        return self.gateway.request(method, target, body, content_type="application/json", **headers)


class Tokens(WithGateway):
    tokens = f"# who may what\n\nread {READ}\nwrite\t{WRITE}\n"

    def test_each_path_asks_for_the_right_that_it_needs(self):
        for method, target, right in self.each():
            for token, has in ((READ, "read"), (WRITE, "write")):
                answer = self.status(method, target, **bearer(token))
                with self.subTest(f"{method} {target} with {has}"):
                    if right in (None, has):
                        self.assertNotIn(answer.status, (401, 403))
                    else:
                        self.assertEqual(answer.status, 403)

    def test_without_a_token_that_is_known_nothing_is_said(self):
        wrong = [{}, bearer(""), bearer("x"), bearer(READ + "x"), bearer(READ[:-1]),
                 bearer(READ.upper()), {"authorization": f"Basic {READ}"}, {"authorization": READ},
                 {"authorization": "Bearer"}]
        for method, target, right in self.each():
            if right is None:
                continue
            for headers in wrong:
                answer = self.status(method, target, **headers)
                self.assertEqual(answer.status, 401, (method, target, headers))
                self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")
                if answer.body:
                    self.assertNotIn(READ, answer.body.decode())

    def test_the_scheme_is_known_in_whatever_case(self):
        answer = self.gateway.get("/metrics", authorization=f"bearer {READ}")
        self.assertEqual(answer.status, 200)

    def test_a_token_in_the_query_is_none(self):
        self.assertEqual(self.gateway.get(f"/metrics?token={READ}").status, 401)

    def test_another_name_of_this_host_is_no_matter_where_there_are_tokens(self):
        answer = self.gateway.get("/metrics", host="gateway.example", **bearer(READ))
        self.assertEqual(answer.status, 200)

    def test_the_file_is_read_again_by_a_hangup(self):
        other = "o" * 20
        self.write_tokens(f"read {other}\n")
        self.gateway.process.send_signal(signal.SIGHUP)
        waited("the new token is known", lambda: self.gateway.get(
            "/metrics", **bearer(other)).status == 200)
        self.assertEqual(self.gateway.get("/metrics", **bearer(READ)).status, 401)
        self.write_tokens("nonsense\n")
        self.gateway.process.send_signal(signal.SIGHUP)
        waited("it complains", lambda: "nonsense" in self.gateway.log() or
               self.token_file in self.gateway.log())
        self.assertEqual(self.gateway.get("/metrics", **bearer(other)).status, 200)

    def test_a_token_that_is_no_longer_known_ends_its_stream_and_no_other(self):
        other = "o" * 20
        self.write_tokens(f"{self.tokens}read {other}\n")
        self.gateway.process.send_signal(signal.SIGHUP)
        waited("the other token is known", lambda: self.gateway.get(
            "/metrics", **bearer(other)).status == 200)
        with self.gateway.stream(**bearer(READ)) as revoked, \
                self.gateway.stream(**bearer(other)) as stream:
            for each in (revoked, stream):
                each.until("status")
            self.write_tokens(f"read {other}\n")
            self.gateway.process.send_signal(signal.SIGHUP)
            with self.assertRaises(EOFError):
                revoked.until("alert")
            self.assertEqual(self.gateway.get("/metrics", **bearer(READ)).status, 401)
            told(self.monitor, self.monitor.publisher(), register("late", timeout_after_ms=1))
            self.assertEqual(stream.alerts(1)[0]["agent_id"], "late")

    def test_an_address_beyond_this_machine_may_be_listened_on(self):
        with Gateway(self.monitor, listen="0.0.0.0:0", token_file=self.token_file) as gateway:
            self.assertEqual(gateway.get("/metrics").status, 401)
            self.assertEqual(gateway.get("/metrics", **bearer(READ)).status, 200)


class Loopback(WithGateway):
    def test_no_token_is_asked_for(self):
        for method, target, _ in self.each():
            self.assertNotIn(self.status(method, target).status, (401, 403))

    def test_a_name_that_leads_here_from_elsewhere_is_refused(self):
        for host in ("evil.example", "evil.example:5580", "127.0.0.1.evil.example", "127.evil",
                     "localhost.evil.example", "10.0.0.1", "[2001:db8::1]:5580", "0.0.0.0"):
            for target in ("/api/heartbeat/status", "/ping/a", "/metrics"):
                answer = self.gateway.get(target, host=host)
                self.assertEqual((answer.status, answer.code), (403, "foreign_host"), host)
        for host in ("localhost", "LOCALHOST:80", "127.0.0.1:5580", "[::1]:5580", "[::1]",
                     "127.9.9.9", "a.localhost"):
            self.assertEqual(self.gateway.get("/metrics", host=host).status, 200, host)

    def test_a_page_of_another_site_sends_no_events(self):
        for site in ("cross-site", "same-site"):
            for method, target, right in self.each():
                answer = self.status(method, target, sec_fetch_site=site)
                if right == "write":
                    self.assertEqual((answer.status, answer.code), (403, "foreign_page"))
                else:
                    self.assertNotEqual(answer.status, 403)
        self.assertEqual(self.monitor.counters()["events_received_total"], 0)
        for site in ("same-origin", "none"):
            self.assertEqual(self.gateway.get("/ping/a", sec_fetch_site=site).status, 202)

    def test_everybody_is_let_in_who_was_said_to_be(self):
        with Gateway(self.monitor, listen="0.0.0.0:0", insecure=True) as gateway:
            self.assertEqual(gateway.get("/metrics", host="gateway.example").status, 200)

    def test_any_name_of_this_host_is_taken_where_everybody_is_let_in(self):
        with Gateway(self.monitor, insecure=True) as gateway:
            for target in ("/metrics", "/api/heartbeat/status"):
                self.assertEqual(gateway.get(target, host="gateway.example").status, 200)
            self.assertEqual(gateway.get("/ping/a", host="gateway.example").status, 202)


class TooMuch(WithGateway):
    def test_a_long_header_is_refused(self):
        answer = self.gateway.get("/healthz", x_long="x" * 16_384)
        self.assertEqual((answer.status, answer.code), (431, "header_too_large"))
        self.assertEqual(self.gateway.get("/healthz", x_long="x" * 15_000).status, 200)
        self.assertIn(self.gateway.get("/" + "x" * 20_000).status, (414, 431))

    def test_a_long_body_is_refused_before_it_is_read(self):
        head = (b"POST /api/heartbeat/events HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\nContent-Length: 2097153\r\n\r\n")
        self.assertRegex(self.first_bytes(head), rb"(?s)^HTTP/1\.1 413 .*\r\nConnection: close\r\n")
        chunks = (b"POST /api/heartbeat/events HTTP/1.1\r\nHost: localhost\r\n"
                  b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
                  (b"100000\r\n" + b" " * 0x100000 + b"\r\n") * 5 + b"0\r\n\r\n")
        self.assertRegex(self.first_bytes(chunks), rb"^HTTP/1\.1 413 ")

    def first_bytes(self, request):
        with self.gateway.connect() as connection:
            connection.sendall(request)
            return connection.recv(4096)

    def test_who_sends_all_of_a_body_that_is_refused_sees_why(self):
        for path, status in {"api/heartbeat/events": 413, "nowhere": 404, "healthz": 405}.items():
            for _ in range(5):
                answer = self.gateway.request("POST", f"/{path}", b" " * 8_000_000,
                                              content_type="application/json")
                self.assertEqual(answer.status, status)

    def test_who_never_ends_what_is_refused_is_not_listened_to_for_long(self):
        head = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000000\r\n\r\n"
        with self.gateway.connect() as silent, self.gateway.connect() as busy:
            silent.sendall(head)
            with self.assertRaises((BrokenPipeError, ConnectionResetError)):
                busy.sendall(head + b"x" * 100_000_000)
            self.assertRegex(silent.recv(4096), rb"^HTTP/1\.1 404 ")
            waited("nobody is listened to", lambda: "heartbeat_gateway_connections 1\n" in
                   self.gateway.get("/metrics").body.decode())

    def test_the_longest_body_is_none_too_long(self):
        events = [activity("a", task_id="T", detail="x" * 400)] * 1_024
        self.assertEqual(self.gateway.post(events).status, 202)
        body = b" " * (2_097_152 - 40) + b'{"kind":"idle","agent_id":"a"}'
        self.assertEqual(self.gateway.post(body).status, 202)

    def test_large_bodies_that_never_come_keep_no_small_one_waiting(self):
        head = (b"POST /api/heartbeat/events HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\nContent-Length: 2097152\r\n\r\n")
        connections = [self.enterContext(self.gateway.connect()) for _ in range(33)]
        for connection in connections:
            connection.sendall(head)
        # The one too many is told so, whichever it is: by then the others hold all there is.
        [busy], _, _ = select.select(connections, [], [], LIMIT)
        self.assertRegex(busy.recv(4096), rb"(?s)^HTTP/1\.1 503 .*\"busy\"")
        answer = self.gateway.request("POST", "/ping/a", b"made 3 of 4")
        self.assertEqual(answer.status, 202)
        answer = self.gateway.post(activity("a"))
        self.assertEqual(answer.status, 202)

    def test_a_body_whose_end_cannot_be_told_is_no_next_request(self):
        chunks = b"4\r\nsaid\r\n0\r\n\r\n"
        for version, fields in ((b"1.1", b"Transfer-Encoding: gzip"),
                                (b"1.0", b"Connection: keep-alive\r\nTransfer-Encoding: chunked"),
                                (b"1.1", b"Transfer-Encoding: gzip, chunked"),
                                (b"1.1", b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked"),
                                (b"1.1", b"Transfer-Encoding: chunked, chunked"),
                                (b"1.1", b"Transfer-Encoding: chunked\r\nContent-Length: 4"),
                                (b"1.1", b"Content-Length: 4\r\nTransfer-Encoding: chunked")):
            with self.subTest(fields):
                answers = self.gateway.raw(
                    b"POST /ping/a HTTP/" + version + b"\r\nHost: localhost\r\n" + fields +
                    b"\r\n\r\n" + chunks +
                    b"GET /ping/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertRegex(answers, rb"^HTTP/1\.[01] 400 ")
                self.assertNotIn(b"keep-alive", answers)
                self.assertNotIn(b" 202 ", answers)
        self.assertEqual(self.monitor.ask("agents")["agents"], [])
        answer = self.gateway.raw(b"POST /ping/a HTTP/1.1\r\nHost: localhost\r\n"
                                  b"Transfer-Encoding: Chunked \r\n\r\n" + chunks)
        self.assertRegex(answer, rb"^HTTP/1\.1 202 ")

    def flood(self, gateway, count, **whence):
        """So many requests on one connection: all that comes back, and how many 200 and 429."""
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        answers = gateway.raw(request * (count - 1) + last, **whence)
        return answers, *(answers.count(b"HTTP/1.1 %d " % status) for status in (200, 429))

    def test_ipv4_addresses_are_told_apart_where_both_kinds_are_listened_for(self):
        with Gateway(self.monitor, listen="[::]:0", insecure=True) as gateway:
            _, _, put_off = self.flood(gateway, 10_000, source="127.0.0.2")
            self.assertGreater(put_off, 0)
            # More than are allowed again in the time that they take.
            _, fine, _ = self.flood(gateway, 1_500, source="127.0.0.9")
            self.assertEqual(fine, 1_500)

    def test_too_many_requests_are_put_off(self):
        answers, fine, put_off = self.flood(self.gateway, 10_000)
        self.assertEqual(fine + put_off, 10_000)
        self.assertGreaterEqual(fine, 2_000)
        self.assertGreater(put_off, 0)
        self.assertEqual(answers.count(b"Retry-After: 1\r\n"), put_off)
        waited("one is answered again", lambda: self.gateway.get("/healthz").status == 200)

    def test_a_connection_that_says_nothing_is_kept_no_longer_than_it_may(self):
        connections = [self.gateway.connect() for _ in range(50)]
        waited("they are counted", lambda: "heartbeat_gateway_connections 51\n" in
               self.gateway.get("/metrics").body.decode())
        for connection in connections:
            connection.close()
        waited("they are gone", lambda: "heartbeat_gateway_connections 1\n" in
               self.gateway.get("/metrics").body.decode())


class Start(unittest.TestCase):
    def refused(self, *arguments, says, **environment):
        code, told = run(*arguments, **environment)
        self.assertEqual(code, 2, told)
        self.assertTrue(told.startswith("hbgate: "), told)
        for word in says:
            self.assertIn(word, told)

    def test_what_is_said_wrongly_is_named(self):
        for arguments, says in {
            ("--no-such-flag",): ["--no-such-flag"], ("extra",): ["extra"],
            ("--listen", "nonsense"): ["--listen", "nonsense", "HOST:PORT"],
            ("--listen", "127.0.0.1:99999"): ["--listen", "127.0.0.1:99999"],
            ("--listen", "127.0.0.1"): ["--listen", "127.0.0.1"],
            ("--listen", "127.0.0.1:*"): ["--listen"],
            ("--events", "nonsense"): ["--events", "nonsense"],
            ("--alerts", "tcp://*:1"): ["--alerts", "tcp://*:1"],
            ("--events", "tcp://*:1"): ["--events", "tcp://*:1"],
            ("--status", "tcp://127.0.0.1:*"): ["--status"],
            ("--timeout", "soon"): ["--timeout", "soon"], ("--timeout", "0s"): ["--timeout"],
            ("--token-file", "/nowhere/tokens"): ["--token-file", "/nowhere/tokens"],
        }.items():
            with self.subTest(" ".join(arguments)):
                self.refused(*arguments, says=says)

    def test_an_address_beyond_this_machine_needs_tokens(self):
        for listen in ("0.0.0.0:0", "[::]:0", "192.0.2.1:5580"):
            self.refused("--listen", listen, says=["--token-file", "--insecure", listen])

    def test_an_address_that_is_taken_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            listen = f"127.0.0.1:{taken.getsockname()[1]}"
            self.refused("--listen", listen, says=["--listen", listen, "in use"])

    def test_alerts_that_cannot_be_followed_end_it(self):
        with Monitor() as monitor:
            monitor.process.send_signal(signal.SIGSTOP)  # so that it first asks where to begin
            gateway = Gateway({"events": monitor.events, "status": monitor.status,
                               "alerts": "tcp://%:1"}, timeout="2s")
            try:
                gateway.start()
                for stream in [gateway.stream() for _ in range(40)]:
                    self.addCleanup(stream.close)
                for path in ("ping/a", "api/heartbeat/ranking"):
                    connection = gateway.connect()
                    self.addCleanup(connection.close)
                    connection.sendall(f"GET /{path} HTTP/1.0\r\n\r\n".encode())
                self.assertEqual(gateway.wait_for_exit(LIMIT), 1, gateway.log())
                self.assertIn("tcp://%:1", gateway.log())
            finally:
                gateway.discard()
                monitor.process.send_signal(signal.SIGCONT)

    def test_a_state_file_that_cannot_be_read_is_told_of(self):
        with Monitor() as monitor, Gateway(monitor, state="/nonexistent/file") as gateway:
            waited("it says so", lambda: "--state /nonexistent/file" in gateway.log())

    def test_a_token_file_that_is_wrong_is_told_of_by_its_line(self):
        with tempfile.NamedTemporaryFile("w+", suffix=".tokens") as file:
            for text, line in {"read short\n": 1, f"# x\nown {READ}\n": 2, f"read {READ} more\n": 1,
                               "read\n": 1, f"read {'é' * 20}\n": 1}.items():
                file.seek(0)
                file.truncate()
                file.write(text)
                file.flush()
                self.refused("--token-file", file.name, says=[f"{file.name}:{line}:"])
            file.seek(0)
            file.truncate()
            file.write("# nobody\n")
            file.flush()
            self.refused("--token-file", file.name, says=["holds no token"])

    def test_no_token_is_told_to_whoever_reads_the_errors(self):
        with tempfile.NamedTemporaryFile("w+", suffix=".tokens") as file:
            file.write(f"read {READ} more\n")
            file.flush()
            self.assertNotIn(READ, run("--token-file", file.name)[1])

    def test_help_and_version_are_told(self):
        for flag, says in (("--help", "--listen"), ("--version", "hbgate ")):
            done = subprocess.run([HBGATE, flag], stdout=subprocess.PIPE, text=True, timeout=LIMIT,
                                  check=True)
            self.assertIn(says, done.stdout)

    def test_it_listens_on_ipv6_too(self):
        with Monitor() as monitor, Gateway(monitor, listen="[::1]:0") as gateway:
            with socket.create_connection(("::1", gateway.port), timeout=LIMIT) as connection:
                connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                self.assertIn(b" 200 ", connection.recv(4096))

    def test_it_ends_by_either_signal(self):
        with Monitor() as monitor:
            for number in (signal.SIGINT, signal.SIGTERM):
                with Gateway(monitor) as gateway:
                    gateway.stop(number)
                    gateway.start()

    def test_it_starts_before_the_monitor(self):
        with Monitor() as monitor:
            monitor.process.kill()
            monitor.process.wait()
            with Gateway(monitor) as gateway:
                self.assertEqual(gateway.get("/healthz").status, 200)
                self.assertEqual(gateway.get("/readyz").status, 503)
                monitor.start()
                gateway.ready()
                told(monitor, monitor.publisher(), register("a"))
                self.assertEqual(gateway.ask("status")["monitor"]["agents"], ["a"])
