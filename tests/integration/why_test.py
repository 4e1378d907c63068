"""hbctl why, asked of a monitor that is restarted while it answers."""

import json
import subprocess
import tempfile
import threading
import unittest

import msgpack
import zmq

from hbctl_test import command
from program import LIMIT, clean_environment

FIRST, SECOND = "first-epoch", "second-epoch"


def alert(epoch, seq):
    return {"v": 1, "epoch": epoch, "seq": seq, "id": f"{epoch}:{seq}", "severity": "warning",
            "kind": "stale", "agent_id": "dev", "message": f"alert {seq} of {epoch}",
            "raised_at": 1_700_000_000_000}


class Restarting:
    """Answers on the status endpoint; every page of alerts but the first is of a second epoch."""

    def __init__(self, endpoint):
        self.asked = []
        self.over = threading.Event()
        self.socket = zmq.Context.instance().socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind(endpoint)
        self.thread = threading.Thread(target=self.answer)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.socket.close()

    def answer(self):
        while not self.over.is_set():
            if not self.socket.poll(20):
                continue
            request = msgpack.unpackb(self.socket.recv())
            if request["cmd"] == "agent":
                reply = {"runs": [{"agent_id": "dev", "status": "running"}]}
            else:
                self.asked.append(request)
                epoch, seq = (FIRST, 1) if len(self.asked) == 1 else (SECOND, len(self.asked))
                reply = {"epoch": epoch, "first_seq": 1, "last_seq": 3,
                         "alerts": [alert(epoch, seq)] if seq <= 3 else []}
            self.socket.send(msgpack.packb({"v": 1, "ok": True, **reply}))


class WhyTest(unittest.TestCase):
    def test_alerts_of_two_epochs_are_not_mixed(self):
        with tempfile.TemporaryDirectory() as folder:
            endpoint = f"ipc://{folder}/status"
            with Restarting(endpoint) as monitor:
                ended = subprocess.run(command("why", "dev", "--json"), capture_output=True,
                                       env=clean_environment(HB_STATUS=endpoint), text=True,
                                       timeout=LIMIT, check=True)
        answer = json.loads(ended.stdout)
        self.assertEqual([each["epoch"] for each in answer["alerts"]], [FIRST])
        self.assertEqual(monitor.asked[1].get("epoch"), FIRST)
        self.assertIn("the monitor was restarted", ended.stderr)


if __name__ == "__main__":
    unittest.main()
