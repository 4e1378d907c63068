"""hbctl as a user runs it, against a running hbmond."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import time
import unittest
from types import SimpleNamespace

import zmq

from monitor import Monitor
from program import BIN_DIR, LIMIT, clean_environment

HBCTL = os.path.join(BIN_DIR, "hbctl")


def endpoints(monitor):
    return {"HB_EVENTS": monitor.events, "HB_ALERTS": monitor.alerts, "HB_STATUS": monitor.status}


def command(*arguments):
    return [HBCTL, *arguments]


class HbctlTest(unittest.TestCase):
    def hbctl(self, monitor, *arguments, code=0):
        """Standard output and error of one command, which must end with this exit code."""
        environment = clean_environment(**(endpoints(monitor) if monitor else {}))
        ended = subprocess.run(command(*arguments), env=environment, capture_output=True,
                               text=True, timeout=LIMIT, check=False)
        self.assertEqual(ended.returncode, code, f"{arguments}: {ended.stdout}{ended.stderr}")
        return ended.stdout, ended.stderr

    def ask_json(self, monitor, *arguments, code=0):
        return json.loads(self.hbctl(monitor, *arguments, "--json", code=code)[0])

    def follow(self, monitor, *arguments, **options):
        following = subprocess.Popen(
            command("alerts", "--follow", *arguments), env=clean_environment(**endpoints(monitor)),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.addCleanup(lambda: (following.kill(), following.communicate()))
        return following

    def wait_for_alerts(self, monitor, count):
        deadline = time.monotonic() + LIMIT
        while True:
            lines = self.hbctl(monitor, "alerts", "--json")[0].splitlines()
            if len(lines) >= count:
                return [json.loads(line) for line in lines]
            self.assertLess(time.monotonic(), deadline, f"{count} alerts did not come: {lines}")

    def line_of(self, following, provoke=None):
        """Its next line; `provoke` is called again and again until there is one."""
        deadline = time.monotonic() + LIMIT
        while True:
            if provoke:
                provoke()
            if select.select([following.stdout], [], [], 0.2)[0]:
                return following.stdout.readline()
            self.assertLess(time.monotonic(), deadline, "no line came")

    def test_emit_is_read_when_it_returns(self):
        with Monitor() as monitor:
            self.hbctl(monitor, "emit", "register", "dev-1", "--run", "r1", "--task", "build",
                       "--type", "coder", "--timeout-after", "2h", "--running-for", "90s")
            self.hbctl(monitor, "emit", "activity", "dev-1", "--run", "r1", "--phase", "tests",
                       "--progress", "7", "--promise", "10m", "--detail", "a\nb" + "é" * 400)
            run = self.ask_json(monitor, "show", "dev-1", "--run", "r1")["runs"][0]
            self.assertEqual(
                (run["task_id"], run["agent_type"], run["phase"], run["progress"]),
                ("build", "coder", "tests", 7))
            self.assertEqual((run["stale_after_ms"], run["timeout_after_ms"]), (600000, 7200000))
            self.assertGreaterEqual(run["running_for_ms"], 90000)
            self.assertTrue(run["detail"].startswith("a b"))
            self.assertLessEqual(len(run["detail"].encode()), 512)
            self.hbctl(monitor, "emit", "idle", "dev-1", "--run", "r1")
            self.assertEqual(
                self.ask_json(monitor, "agents")["agents"][0]["status"], "idle")
            self.hbctl(monitor, "emit", "unregister", "dev-1", "--run", "r1", "--outcome", "done")
            self.assertEqual(self.ask_json(monitor, "agents")["agents"], [])

    def test_texts_arrive_as_they_were_written(self):
        with Monitor() as monitor:
            for text in ("[a,b]", "[]", "{}", "%%", "--", "-x", "--json", "a b", '"q"', "'q'", "a="):
                for given in (("--detail", text), (f"--detail={text}",)):
                    self.hbctl(monitor, "emit", "activity", "--run", text, *given, "--", text)
                    shown = self.hbctl(monitor, "--json", "show", "--run", text, "--", text)[0]
                    [run] = json.loads(shown)["runs"]
                    self.assertEqual((run["agent_id"], run["run_id"], run["detail"]), (text,) * 3)
            self.hbctl(monitor, "emit", "activity", "a", "--detail=x", "--phase", "y")
            self.hbctl(monitor, "emit", "activity", "a", "--detail=", "--phase", "")
            [run] = self.ask_json(monitor, "show", "a")["runs"]
            self.assertEqual((run["detail"], run["phase"]), ("", ""))

    def test_emit_that_is_rejected_says_so(self):
        with Monitor(runs_max=1) as monitor:
            self.hbctl(monitor, "emit", "register", "first")
            error = self.hbctl(monitor, "emit", "register", "second", code=1)[1]
            self.assertIn("hbctl counters", error)
            self.assertEqual(
                self.ask_json(monitor, "emit", "register", "second", code=1)["success"], False)

    def test_emit_names_what_the_monitor_must_refuse_at_once(self):
        for words, named, problem in (
                (("register", ""), "AGENT", "is empty"),
                (("register", "a" * 129), "AGENT", "has 129 bytes, expected are 1 to 128 bytes"),
                (("register", "a\tb"), "AGENT", "holds a control character"),
                (("idle", "a", "--run", "r" * 129), "--run", "0 to 128 bytes"),
                (("idle", "a", "--task", "\x7f"), "--task", "holds a control character"),
                (("register", "a", "--type", "t" * 65), "--type", "0 to 64 bytes"),
                (("unregister", "a", "--outcome", "é" * 33), "--outcome", "has 66 bytes")):
            with self.subTest(words=words):
                error = self.hbctl(None, "emit", *words, code=2)[1]  # asks no monitor: code 3
                self.assertEqual(error.count("\n"), 1, error)
                self.assertIn(named, error)
                self.assertIn(problem, error)

    def test_emit_refuses_options_that_its_kind_does_not_have(self):
        for words, option in ((("unregister", "a", "--promise", "5s"), "--promise"),
                              (("idle", "a", "--timeout-after", "5s"), "--timeout-after"),
                              (("register", "a", "--progress", "3"), "--progress"),
                              (("activity", "a", "--outcome", "done"), "--outcome")):
            error = self.hbctl(None, "emit", *words, code=2)[1]
            self.assertIn(option, error)
            self.assertIn(words[0], error)

    def test_endpoints_that_are_none_are_a_usage_error(self):
        for option in ("--events", "--alerts", "--status"):
            for value in ("bogus", "tcp://127.0.0.1", "tcp://127.0.0.1:*", ""):
                error = self.hbctl(None, "ping", option, value, code=2)[1]
                self.assertIn(option, error)
                self.assertIn(f"'{value}'", error)

    def test_a_bad_variable_is_named_and_leaves_the_help_alone(self):
        environment = clean_environment(HB_STATUS="bogus")
        asked = subprocess.run(command("ping"), env=environment, capture_output=True, text=True,
                               timeout=LIMIT, check=False)
        self.assertEqual(asked.returncode, 2)
        self.assertIn("HB_STATUS: 'bogus'", asked.stderr)
        subprocess.run(command("--help"), env=environment, capture_output=True, timeout=LIMIT,
                       check=True)

    def test_an_unknown_verb_is_told_the_known_ones(self):
        self.assertIn("status, watch", self.hbctl(None, "stauts", code=2)[1])

    def test_emit_says_that_a_run_that_ended_stays_ended(self):
        with Monitor() as monitor:
            self.hbctl(monitor, "emit", "register", "dev")
            self.hbctl(monitor, "emit", "unregister", "dev")
            self.assertIn("ended at", self.hbctl(monitor, "emit", "activity", "dev", code=1)[1])
            self.assertEqual(monitor.counters()["events_zombie_total"], 1)

    def test_emit_says_that_an_event_changed_nothing(self):
        with Monitor() as monitor:
            self.hbctl(monitor, "emit", "register", "job", "--run", "1")
            for words in (("unregister", "job"), ("unregister", "nobody"),
                          ("activity", "job", "--run", "1", "--running-for", "1h")):
                error = self.hbctl(monitor, "emit", *words, code=1)[1]
                self.assertIn(words[1], error)
            self.hbctl(monitor, "emit", "unregister", "job", "--run", "1")
            error = self.hbctl(monitor, "emit", "register", "job", "--run", "1", "--running-for",
                               "10m", code=1)[1]
            self.assertIn("ended at", error)

    def test_closed_standard_output_is_nobody_elses_descriptor(self):
        with Monitor() as monitor:
            for redirection in ("<&- >&-", "<&- >&- 2>&-"):
                asked = subprocess.run(
                    ["sh", "-c", f"exec {' '.join(command('status'))} {redirection}"],
                    env=clean_environment(**endpoints(monitor)), timeout=LIMIT, check=False)
                self.assertEqual(asked.returncode, 0)

    def test_status_tells_the_last_alert_and_limits_exactly(self):
        with Monitor(stale_threshold_ms=1999) as monitor:
            self.hbctl(monitor, "emit", "register", "dev", "--timeout-after", "10ms")
            self.wait_for_alerts(monitor, 1)
            text = self.hbctl(monitor, "status")[0]
            self.assertIn("stale after 1s999ms", text)
            self.assertRegex(text, r"last alert +#1 at .*error: Timeout: agent dev")

    def test_a_very_long_timeout_is_fine(self):
        with Monitor() as monitor:
            self.hbctl(monitor, "emit", "register", "dev", "--timeout", "3000d")
            self.hbctl(monitor, "ping", "--timeout", "3000d")

    def test_show_of_a_run_that_ended_says_it_once(self):
        with Monitor() as monitor:
            self.hbctl(monitor, "emit", "register", "dev")
            self.hbctl(monitor, "emit", "unregister", "dev", "--outcome", "done")
            when = self.ask_json(monitor, "show", "dev", code=1)["error"]["ended_at"] / 1000
            local = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
            said = f"ended at {local} by unregister, outcome done\n"
            self.assertEqual(self.hbctl(monitor, "show", "dev", code=1)[1],
                             f"hbctl: agent dev: {said}")
            self.assertIn(f"verdict  {said}", self.hbctl(monitor, "why", "dev")[0])
            self.assertIn(said[:30], self.hbctl(monitor, "emit", "idle", "dev", code=1)[1])

    def test_one_thing_has_one_name_in_every_view(self):
        with Monitor(stale_threshold_ms=50) as monitor:
            self.hbctl(monitor, "emit", "register", "dev")
            self.wait_for_alerts(monitor, 1)
            tables = [self.hbctl(monitor, verb)[0] for verb in ("status", "agents")]
            for text in tables:
                self.assertIn("IDLE FOR  RUNNING FOR  STALE IN  TIMEOUT IN", text)
                self.assertRegex(text, r"dev +- +stale ")
            self.assertIn("stale after 50ms, timeout after 30m", tables[0])
            self.assertIn("1 in flight: 1 running, 0 idle; 1 stale", tables[0])
            self.assertRegex(self.hbctl(monitor, "show", "dev")[0], r"\nstate +stale\n")
            why = self.hbctl(monitor, "why", "dev")[0]
            self.assertRegex(why, r"\nverdict +stale: idle for \w+, stale after 50ms\n")
            self.assertIn("stale after 50ms (from configuration), timeout after 30m (from", why)

    def test_status_shows_the_stale_among_many(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            agent.send([{"kind": "register", "agent_id": f"silent{i}", "stale_after_ms": 1}
                        for i in range(3)])
            for batch in range(3):
                agent.send([{"kind": "register", "agent_id": f"calm{batch}-{i}"}
                            for i in range(1000)])
            self.wait_for_alerts(monitor, 3)
            lines = self.hbctl(monitor, "status")[0].splitlines()
            self.assertEqual(sum(line.startswith("silent") for line in lines), 3)

    def test_output_that_takes_no_more_for_a_while_is_waited_for(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            for batch in range(3):
                agent.send([{"kind": "register", "agent_id": f"a{batch}-{i}"}
                            for i in range(1000)])
            monitor.settled(agent)
            read, write = os.pipe()
            os.set_blocking(write, False)
            with subprocess.Popen(command("agents"), env=clean_environment(**endpoints(monitor)),
                                  stdout=write) as listing:
                os.close(write)
                with os.fdopen(read, encoding="utf-8") as output:
                    self.assertEqual(len(output.readlines()), 3001)
                self.assertEqual(listing.wait(LIMIT), 0)

    def test_status(self):
        with Monitor(stale_threshold_ms=60000) as monitor:
            self.hbctl(monitor, "emit", "register", "dev-1")
            status = self.ask_json(monitor, "status")
            self.assertEqual(list(status), ["success", "status", "monitor", "counts", "health",
                                            "in_flight_agents", "timestamp"])
            self.assertIs(status["success"], True)
            self.assertEqual(status["status"], "online")
            self.assertEqual(status["monitor"]["agents"], ["dev-1"])
            self.assertEqual(status["in_flight_agents"][0]["agent_id"], "dev-1")
            text = self.hbctl(monitor, "status")[0]
            self.assertIn("1 in flight", text)
            self.assertIn("stale after 1m,", text)
            self.assertIn("dev-1", text)

    def test_agents_shows_the_urgent_first_and_filters(self):
        with Monitor() as monitor:
            self.hbctl(monitor, "emit", "register", "calm")
            self.hbctl(monitor, "emit", "register", "hurried", "--promise", "1m")
            self.hbctl(monitor, "emit", "idle", "silent", "--promise", "10ms")
            self.wait_for_alerts(monitor, 1)
            lines = self.hbctl(monitor, "agents")[0].splitlines()
            self.assertEqual([line.split()[0] for line in lines],
                             ["AGENT", "silent", "hurried", "calm"])

            def ids(*options):
                return [a["agent_id"] for a in self.ask_json(monitor, "agents", *options)["agents"]]
            self.assertEqual(ids("--limit", "1"), ["silent"])
            self.assertEqual(ids("--state", "stale"), ["silent"])
            self.assertEqual(ids("--state", "running"), ["hurried", "calm"])
            self.assertEqual(ids("--agent", "c*m"), ["calm"])

    def test_why_explains_a_verdict(self):
        with Monitor(stale_threshold_ms=200) as monitor:
            agent = monitor.publisher()
            agent.send({"kind": "register", "agent_id": "dev", "stale_after_ms": 300})
            agent.seq += 3  # lost on the bus
            agent.send({"kind": "register", "agent_id": "other"})
            monitor.settled(agent)
            self.wait_for_alerts(monitor, 2)
            text = self.hbctl(monitor, "why", "dev")[0]
            for words in ("stale: idle for", "stale after 300ms", "from promise", "register at",
                          "3 events of its source were lost", "Stale agent detected: dev"):
                self.assertIn(words, text)
            answer = self.ask_json(monitor, "why", "dev")
            self.assertEqual([a["agent_id"] for a in answer["alerts"]], ["dev"])
            self.assertEqual(answer["runs"][0]["lost_events"], 3)
            self.hbctl(monitor, "emit", "unregister", "dev", "--outcome", "failed")
            self.assertRegex(self.hbctl(monitor, "why", "dev")[0], "ended at .* outcome failed")
            self.assertIn("nobody", self.hbctl(monitor, "why", "nobody", code=1)[1])

    def test_why_explains_a_timeout(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            agent.send([{"kind": "register", "agent_id": "dev", "timeout_after_ms": 100},
                        {"kind": "activity", "agent_id": "dev", "progress": -1}])
            monitor.settled(agent)
            self.wait_for_alerts(monitor, 1)
            text = self.hbctl(monitor, "why", "dev")[0]
            for words in ("by timeout", "ran for 1", "timeout after 100ms (from register)",
                          "register at", "1 of its events", "Timeout: agent dev"):
                self.assertIn(words, text)
            ended = self.ask_json(monitor, "why", "dev")["ended"]
            self.assertEqual((ended["timeout_after_ms"], ended["rejected_events"]), (100, 1))
            self.assertEqual([event["kind"] for event in ended["last_events"]], ["register"])

    def test_why_says_where_an_agent_has_more_runs(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            for first in range(0, 4_000, 1_000):
                agent.send([{"kind": "register", "agent_id": "dev", "run_id": f"r{i}"}
                            for i in range(first, first + 1_000)])
            monitor.settled(agent)
            for verb in ("why", "show"):
                self.assertIn("… and more runs: name one with --run", self.hbctl(monitor, verb, "dev")[0])

    def test_show_of_an_unknown_agent_is_a_no(self):
        with Monitor() as monitor:
            self.hbctl(monitor, "show", "nobody", code=1)
            answer = self.ask_json(monitor, "show", "nobody", code=1)
            self.assertIs(answer["success"], False)
            self.assertEqual(answer["error"]["code"], "not_found")
            self.hbctl(monitor, "emit", "register", "ended")
            self.hbctl(monitor, "emit", "unregister", "ended", "--outcome", "failed")
            self.assertIn("failed", self.hbctl(monitor, "show", "ended", code=1)[1])

    def test_counters_and_ping(self):
        with Monitor() as monitor:
            self.hbctl(monitor, "emit", "register", "dev-1")
            counters = self.ask_json(monitor, "counters")["counters"]
            self.assertEqual(counters["events_folded_total"], 1)
            self.assertRegex(self.hbctl(monitor, "counters")[0], r"events_folded_total +1\n")
            self.assertIs(self.ask_json(monitor, "ping")["success"], True)
            self.assertIn("answers", self.hbctl(monitor, "ping")[0])

    def test_alerts_lists_the_kept_ones_and_ends(self):
        with Monitor(stale_threshold_ms=50) as monitor:
            for name in ("one", "two", "three"):
                self.hbctl(monitor, "emit", "register", name)
            alerts = self.wait_for_alerts(monitor, 3)
            self.assertEqual([a["seq"] for a in alerts], [1, 2, 3])
            rest = self.hbctl(monitor, "alerts", "--since", "2", "--json")[0].splitlines()
            self.assertEqual([json.loads(line)["seq"] for line in rest], [3])
            self.assertIn("Stale agent detected", self.hbctl(monitor, "alerts")[0])

    def test_follow_replays_then_follows_and_ctrl_c_ends_it(self):
        with Monitor(stale_threshold_ms=50) as monitor:
            self.hbctl(monitor, "emit", "register", "one")
            self.wait_for_alerts(monitor, 1)
            following = self.follow(monitor, "--since", "0", "--json")
            self.assertEqual(json.loads(self.line_of(following))["seq"], 1)
            self.hbctl(monitor, "emit", "register", "two")
            self.assertEqual(json.loads(self.line_of(following))["agent_id"], "two")
            following.send_signal(signal.SIGINT)
            self.assertEqual(following.wait(LIMIT), 0)

    def test_follow_alone_begins_with_now(self):
        with Monitor(stale_threshold_ms=50) as monitor:
            self.hbctl(monitor, "emit", "register", "before")
            self.wait_for_alerts(monitor, 1)
            following = self.follow(monitor, "--json")
            line = self.line_of(following, lambda: self.hbctl(monitor, "emit", "register", "after"))
            self.assertEqual(json.loads(line)["agent_id"], "after")

    def test_since_is_of_an_epoch(self):
        with Monitor(stale_threshold_ms=50) as monitor:
            for name in ("one", "two"):
                self.hbctl(monitor, "emit", "register", name)
            epoch = self.wait_for_alerts(monitor, 2)[0]["epoch"]
            for of, seqs in ((epoch, [2]), ("other", [1, 2])):
                with self.subTest(epoch=of):
                    since = ("--since", "1", "--epoch", of, "--json")
                    listed, error = self.hbctl(monitor, "alerts", *since)
                    self.assertEqual([json.loads(line)["seq"] for line in listed.splitlines()], seqs)
                    self.assertEqual("not other" in error, of == "other", error)
                    following = self.follow(monitor, *since)
                    self.assertEqual(json.loads(self.line_of(following))["seq"], seqs[0])
                    following.send_signal(signal.SIGINT)
                    self.assertEqual(following.wait(LIMIT), 0)
                    error = following.stderr.read()
                    self.assertEqual("another epoch" in error, of == "other", error)

    def test_follow_goes_on_in_an_epoch_that_comes_back(self):
        with Monitor(timeout_threshold_ms=1, check_interval_ms=20) as monitor:
            stateless = list(monitor.arguments)

            def begin(arguments, agent):
                monitor.stop()
                monitor.arguments = arguments
                monitor.start()
                self.hbctl(monitor, "emit", "register", agent)

            with_state = [*stateless, "--state", os.path.join(monitor.path, "state")]
            begin(with_state, "one")
            following = self.follow(monitor, "--since", "0", "--json")
            handled = [json.loads(self.line_of(following))]
            for arguments, agent in ((stateless, "two"), (with_state, "three")):
                begin(arguments, agent)
                handled.append(json.loads(self.line_of(following)))
            following.send_signal(signal.SIGINT)
            self.assertEqual(following.wait(LIMIT), 0)
            self.assertEqual([(alert["agent_id"], alert["seq"]) for alert in handled],
                             [("one", 1), ("two", 1), ("three", 2)])
            self.assertEqual(following.stdout.read(), "")
            changes = [line for line in following.stderr.read().splitlines() if "epoch" in line]
            self.assertEqual(len(changes), 2, changes)
            self.assertIn("another epoch of the monitor", changes[0])
            self.assertIn("back in an epoch from before", changes[1])

    def test_ctrl_c_ends_a_follow_that_waits_for_its_first_answer(self):
        with tempfile.TemporaryDirectory() as folder, zmq.Context() as context:
            silent = SimpleNamespace(
                **{name: f"ipc://{folder}/{name}" for name in ("events", "alerts", "status")})
            with context.socket(zmq.ROUTER) as socket:
                socket.linger = 0
                socket.bind(silent.status)
                following = self.follow(silent, "--timeout", "1h")
                self.assertTrue(socket.poll(LIMIT * 1000))
                following.send_signal(signal.SIGINT)
                self.assertEqual(following.wait(LIMIT), 0)
                self.assertEqual(following.stderr.read(), "")

    def test_closed_pipe_ends_quietly(self):
        with Monitor(stale_threshold_ms=50) as monitor:
            self.hbctl(monitor, "emit", "register", "one")
            self.wait_for_alerts(monitor, 1)
            following = self.follow(monitor, "--since", "0")
            self.line_of(following)
            following.stdout.close()
            self.assertEqual(following.wait(LIMIT), 0)
            self.assertEqual(following.stderr.read(), "")

    def test_colour_only_on_a_terminal_and_without_no_color(self):
        with Monitor() as monitor:
            self.assertNotIn("\x1b", self.hbctl(monitor, "status")[0])
            for extra, expected in (({}, True), ({"NO_COLOR": "1"}, False)):
                ours, theirs = pty.openpty()
                environment = clean_environment(**endpoints(monitor), TERM="xterm", **extra)
                if not extra:
                    environment.pop("NO_COLOR", None)
                subprocess.run(command("status"), env=environment, stdout=theirs, check=True,
                               timeout=LIMIT)
                shown = os.read(ours, 65536)
                os.close(ours)
                os.close(theirs)
                self.assertEqual(b"\x1b[" in shown, expected, shown)

    def test_silence_is_exit_code_3(self):
        with tempfile.TemporaryDirectory() as folder:
            nobody = f"ipc://{folder}/nobody"
            where = ("--events", nobody, "--alerts", nobody, "--status", nobody,
                     "--timeout", "100ms")
            for verb in (("status",), ("agents",), ("show", "a"), ("alerts",),
                         ("alerts", "--follow"), ("counters",), ("ping",),
                         ("emit", "register", "a")):
                with self.subTest(verb=verb):
                    self.assertIn("does not answer", self.hbctl(None, *verb, *where, code=3)[1])
                    answer = self.ask_json(None, *where, *verb, code=3)
                    self.assertEqual(list(answer), ["success", "status", "error"])
                    self.assertEqual((answer["success"], answer["status"]), (False, "offline"))

    def test_usage_is_exit_code_2_with_one_line(self):
        for arguments, named in (
                ((), "verb"), (("frobnicate",), "frobnicate"), (("status", "--nope"), "--nope"),
                (("show",), "AGENT"), (("emit", "jump", "a"), "jump"),
                (("agents", "--state", "dead"), "dead"), (("agents", "--limit", "0"), "--limit"),
                (("alerts", "--since", "x"), "--since"),
                (("alerts", "--epoch", "e"), "--since"),
                (("alerts", "--since", "1", "--epoch", "e" * 65), "--epoch"),
                (("emit", "idle", "a", "--promise", "10x"), "--promise"),
                (("emit", "idle", "a", "--promise", "0s"), "0s"),
                (("ping", "--timeout", "5"), "--timeout")):
            with self.subTest(arguments=arguments):
                error = self.hbctl(None, *arguments, code=2)[1]
                self.assertEqual(error.count("\n"), 1, error)
                self.assertIn(named, error)
                self.assertIn("--help", error)

    def test_help_of_each_verb_has_an_example(self):
        text = self.hbctl(None, "--help")[0]
        self.assertIn("Exit codes", text)
        verbs = re.findall(r"^  (status|agents|show|why|alerts|counters|ping|emit) ", text, re.M)
        self.assertEqual(len(verbs), 8)
        for verb in verbs:
            self.assertIn(f"Example: hbctl {verb}", self.hbctl(None, verb, "--help")[0])


if __name__ == "__main__":
    unittest.main()
