"""A consumer that misses nothing, by the protocol: python3 consuming.py ALERTS STATUS

With a tiny receive buffer, so that what comes while it stands still is lost and has to be asked for.
A line on standard output tells that it follows. It reads a seq from standard input, goes on until it
has handled that one, prints how many alerts it handled, how many it saw twice and how many gaps its
seqs have, and ends.
"""

import select
import sys

import msgpack
import zmq


class Consumer:
    def __init__(self, alerts, status):
        context = zmq.Context.instance()
        self.sub = context.socket(zmq.SUB)
        self.sub.rcvhwm = 10
        self.sub.rcvbuf = 4096
        self.sub.reconnect_ivl = 10
        self.sub.subscribe("alert.")
        self.sub.subscribe("monitor.beat")
        self.sub.connect(alerts)
        self.status = status
        self.epoch = None
        self.last = 0
        self.handled = []

    def ask(self):
        """What came after the last one that was handled."""
        socket = zmq.Context.instance().socket(zmq.REQ)
        socket.linger = 0
        socket.connect(self.status)
        socket.send(msgpack.packb({"v": 1, "cmd": "alerts", "since_seq": self.last}))
        page = msgpack.unpackb(socket.recv()) if socket.poll(1000) else None
        socket.close()
        if page is None:  # the monitor is away; a later beat or alert shows the gap again
            return False
        assert self.epoch in (None, page["epoch"]), "the epoch is kept across restarts"
        assert page["first_seq"] <= self.last + 1, "alerts are gone"
        self.epoch = page["epoch"]
        for alert in page["alerts"]:
            self.handle(alert)
        return bool(page["alerts"])

    def handle(self, alert):
        if alert["seq"] > self.last:
            self.handled.append((alert["seq"], alert["id"], alert["kind"]))
            self.last = alert["seq"]

    def turn(self):
        if not self.sub.poll(1000):
            return
        topic, payload = self.sub.recv_multipart()
        message = msgpack.unpackb(payload)
        if topic == b"monitor.beat":
            if message["alert_seq"] > self.last:
                while self.ask():
                    pass
        elif message["seq"] == self.last + 1:
            self.handle(message)
        elif message["seq"] > self.last:
            while self.ask():
                pass


def main(alerts, status):
    consumer = Consumer(alerts, status)
    while consumer.sub.recv_multipart()[0] != b"monitor.beat":
        pass
    consumer.ask()
    print("following", flush=True)
    last = None
    while last is None or consumer.last < last:
        consumer.turn()
        if last is None and select.select([sys.stdin], [], [], 0)[0]:
            last = int(sys.stdin.readline())
    seqs = [seq for seq, _, _ in consumer.handled]
    twice = len(consumer.handled) - len(set(consumer.handled))
    gaps = sum(b != a + 1 for a, b in zip(seqs, seqs[1:])) + (seqs[0] != 1)
    print(len(seqs), twice, gaps, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
