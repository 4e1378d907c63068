"""What goes wrong around the monitor, and in it, is not blamed on agents."""

import contextlib
import ctypes
import os
import pathlib
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

from events import HOUR, activity, register
from monitor import Monitor, alert_of, next_alert
from program import Silence, clean_environment

BEATING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "beating.py")


PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # waitpid() for a thread that is traced


def ptrace(request, thread):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace({request:#x}, {thread})")


@contextlib.contextmanager
def held(thread):
    """One thread of another process does not run; its other threads do."""
    ptrace(PTRACE_SEIZE, thread)
    try:
        ptrace(PTRACE_INTERRUPT, thread)
        os.waitpid(thread, WALL)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            ptrace(PTRACE_DETACH, thread)


def thread_of(process, name):
    found = [int(path.parent.name) for path in pathlib.Path(f"/proc/{process.pid}/task").glob("*/comm")
             if path.read_text("ascii").strip() == name]
    assert len(found) == 1, f"{len(found)} threads {name}"
    return found[0]


class Faults(unittest.TestCase):
    def agents(self, monitor, *arguments):
        """A process of agents, registered."""
        process = subprocess.Popen(
            [sys.executable, BEATING, monitor.events, *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment())

        def end():
            process.kill()
            process.communicate()
        self.addCleanup(end)
        self.assertEqual(process.stdout.readline(), "registered\n")
        return process

    def no_alert(self, alerts, seconds):
        with self.assertRaises(Silence):
            self.fail(f"alert: {next_alert(alerts, seconds)}")

    def counter(self, monitor, name):
        return monitor.counters()[name]


class Flood(Faults):
    """One sender floods as fast as it can; the others are heard all the same.

    libzmq is fair to connections: a flood alone holds up nobody for long. So the thread that reads
    them is held, too, as one that gets no processor or waits for a page: what has arrived in time
    is then there, unread, while the loop runs on.
    """

    def hold_reading(self, monitor, seconds):
        with held(thread_of(monitor.process, "ZMQbg/IO/0")):
            self.assertIsNone(monitor.wait_for_exit(seconds))

    def honest_agents_are_heard(self, batch, beat_for, **options):
        threshold = 1.5
        with Monitor(stale_threshold_ms=int(threshold * 1000), timeout_threshold_ms=HOUR,
                     **options) as monitor:
            alerts = monitor.subscribe()
            honest = self.agents(monitor, 100, threshold / 3)
            self.agents(monitor, 0, 0, batch)
            for _ in range(3):
                self.no_alert(alerts, beat_for / 3)
                self.hold_reading(monitor, threshold)
            self.no_alert(alerts, threshold)
            self.assertGreater(self.counter(monitor, "events_received_total"), 100_000)
            honest.stdin.write("stop a42\n")
            honest.stdin.flush()
            stopped = time.monotonic()
            alert = next_alert(alerts)
            late = time.monotonic() - stopped - threshold
            self.assertEqual((alert["agent_id"], alert["kind"]), ("a42", "stale"))
            self.assertFalse(alert["overloaded"], f"judged unread, {late:.1f} s late")
            self.assertLess(late, 2.5)

    def test_of_single_events(self):
        self.honest_agents_are_heard(1, 10)

    def test_of_batches(self):
        self.honest_agents_are_heard(1024, 30)

    def test_of_batches_over_tcp(self):
        self.honest_agents_are_heard(1024, 10, events="tcp://127.0.0.1:*",
                                     alerts="tcp://127.0.0.1:*", status="tcp://127.0.0.1:*")


class Pauses(Faults):
    """The monitor stands still for 3 s, again and again: no agent is accused."""

    def pause(self, *processes):
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        with self.assertRaises(subprocess.TimeoutExpired):
            processes[0].wait(3)
        for process in reversed(processes):
            process.send_signal(signal.SIGCONT)

    def nobody_is_accused(self, agents_too):
        seed = random.randrange(2**32)
        chance = random.Random(seed)
        with Monitor(stale_threshold_ms=1000, timeout_threshold_ms=HOUR) as monitor:
            alerts = monitor.subscribe()
            agents = self.agents(monitor, 1_000, 0.3)
            load = self.agents(monitor, 0, 0, 64)
            for _ in range(4):
                self.no_alert(alerts, chance.uniform(0.2, 1.2))
                self.pause(monitor.process, *([agents, load] if agents_too else []))
            with self.subTest(seed=seed):
                self.no_alert(alerts, 2)
            self.assertGreaterEqual(self.counter(monitor, "loop_stalls_total"), 4)
            self.assertGreaterEqual(self.counter(monitor, "loop_stall_max_ms"), 2_800)

    def test_while_its_agents_go_on(self):
        self.nobody_is_accused(agents_too=False)

    def test_together_with_its_agents(self):
        self.nobody_is_accused(agents_too=True)

    def test_a_warning_says_how_long_the_monitor_was_blind(self):
        with Monitor(stale_threshold_ms=2_000, timeout_threshold_ms=4_000) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            agent.send(register("silent"))
            monitor.settled(agent)
            self.pause(monitor.process)
            # Its limit on the whole run does not move: only silence needs a listener.
            timeout = alert_of(alerts, "silent", "timeout")
            self.assertLess(timeout["elapsed_ms"], 4_500)
            self.assertGreaterEqual(timeout["blind_ms"], 2_800)
            self.assertEqual(timeout["supersedes"], "")
            monitor.wait_for_log("did not run for")


class Partition(Faults):
    """The network between agents and monitor is cut, and heals."""

    class Network:
        """Relays one connection; while cut, what agents send goes nowhere."""

        def __init__(self, test, endpoint):
            self.path = endpoint.removeprefix("ipc://") + "-network"
            self.far = endpoint.removeprefix("ipc://")
            self.cut = threading.Event()
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.path)
            self.listener.listen()
            self.thread = threading.Thread(target=self.relay)
            self.thread.start()
            test.addCleanup(self.thread.join)

        def relay(self):
            near, _ = self.listener.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(self.far)
            peers = {near: far, far: near}
            while True:
                for end in select.select([near, far], [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        for each in (near, far, self.listener):
                            each.close()
                        return
                    # Cut as a cable is: whole messages, because TCP would send the rest again.
                    if not (self.cut.is_set() and end is near):
                        peers[end].sendall(data)

    def test_agents_behind_it_are_one_storm_and_come_back(self):
        with Monitor(stale_threshold_ms=1_500, timeout_threshold_ms=HOUR) as monitor:
            alerts = monitor.subscribe()
            near = self.agents(monitor, 5, 0.4)
            self.assertIsNone(near.poll())
            network = self.Network(self, monitor.events)
            far = subprocess.Popen(
                [sys.executable, BEATING, f"ipc://{network.path}", "40", "0.4", "0", "far"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment())

            def end():
                far.kill()
                far.communicate()
            self.addCleanup(end)
            self.assertEqual(far.stdout.readline(), "registered\n")
            self.no_alert(alerts, 3)
            network.cut.set()
            heard = [next_alert(alerts) for _ in range(41)]
            kinds = [alert["kind"] for alert in heard]
            self.assertEqual((kinds.count("stale"), kinds.count("storm")), (40, 1))
            self.assertTrue(all(a["agent_id"].startswith("far") for a in heard if a["agent_id"]))
            network.cut.clear()
            heard = [next_alert(alerts) for _ in range(41)]
            self.assertEqual([a["kind"] for a in heard].count("resolved"), 41)
            # They went on counting: what was cut off is known to be lost.
            self.assertGreater(self.counter(monitor, "events_lost_total"), 40)
            self.no_alert(alerts, 2)


class Storm(Faults):
    def test_many_that_fall_silent_together_are_one_storm(self):
        with Monitor(stale_threshold_ms=400, timeout_threshold_ms=HOUR) as monitor:
            agent, alerts = monitor.publisher(), monitor.subscribe()
            agent.send([register(f"a{i}") for i in range(30)])
            silent = [next_alert(alerts) for _ in range(31)]
            [storm] = [alert for alert in silent if alert["kind"] == "storm"]
            self.assertEqual((storm["severity"], storm["agent_id"], storm["since_seq"]),
                             ("error", "", 1))
            self.assertRegex(storm["message"], r"16 of 30 runs")
            for alert in silent:
                after = alert["seq"] > storm["seq"]
                self.assertEqual(alert["storm"], storm["id"] if after else "")
            agent.send([activity(f"a{i}", stale_after_ms=HOUR) for i in range(30)])
            resolved = [next_alert(alerts) for _ in range(31)]
            [subsided] = [alert for alert in resolved if alert["reason"] == "subsided"]
            self.assertEqual(subsided["id"], storm["id"])
            self.assertEqual([a["seq"] for a in silent + resolved], list(range(1, 63)))
            self.assertEqual(self.counter(monitor, "storm"), 0)


if __name__ == "__main__":
    unittest.main()
