import os, time
import msgpack, zmq                              # Debian: python3-msgpack python3-zmq

socket = zmq.Context().socket(zmq.XPUB)          # like PUB, and sees the monitor subscribe
socket.linger = 1000                             # milliseconds for the last event to leave
socket.connect(os.environ.get("HB_EVENTS", "tcp://127.0.0.1:5570"))
if not socket.poll(5000) or socket.recv()[:1] != b"\x01":
    raise SystemExit("no monitor within 5 s")    # what is sent before it subscribes is lost
source, started = os.urandom(8).hex(), time.monotonic()
for seq, kind in enumerate(["register", "activity", "activity", "unregister"], start=1):
    age = int((time.monotonic() - started) * 1000)
    event = {"v": 1, "kind": kind, "agent_id": "pm", "running_for_ms": age, "source": source, "seq": seq}
    socket.send_multipart([b"event.pm", msgpack.packb(event)])
