"""A chat over HTTP whose every answer is a run that the monitor watches.

    apt install python3-fastapi python3-uvicorn python3-zmq python3-msgpack
    uvicorn fastapi_gateway:app
    curl -N -d '{"message": "hello", "task_id": "T-42"}' -H 'Content-Type: application/json' \
        http://127.0.0.1:8000/api/chat
    curl http://127.0.0.1:8000/api/heartbeat/status

Where the monitor is, HB_EVENTS and HB_STATUS say. Without one the chat works all the same.

The model that answers here asks nobody: it repeats what it is told. Put yours in its place, any
asynchronous generator of pieces of text, and let it stream, for each piece is a sign of life:

    async def answer(message):
        request = {"model": "llama3", "prompt": message}
        async with httpx.AsyncClient(timeout=None) as client:
            async with client.stream("POST", "http://127.0.0.1:11434/api/generate",
                                     json=request) as response:
                response.raise_for_status()
                async for line in response.aiter_lines():
                    yield json.loads(line)["response"]

    app = create_app(answer)

It needs no timeout of its own: one that hangs is what the monitor warns of.
"""

import asyncio
import contextlib
import datetime
import logging
import os
import secrets
import time

import msgpack
import zmq
import zmq.asyncio
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

log = logging.getLogger("uvicorn.error")

EVENTS = os.environ.get("HB_EVENTS", "tcp://127.0.0.1:5570")
STATUS = os.environ.get("HB_STATUS", "tcp://127.0.0.1:5572")

PATIENCE = 2.0  # s: for the monitor to subscribe, to take an event, to answer, and for the end
QUEUED_MAX = 10_000  # events that wait to be sent; beyond, they are counted and dropped
BEAT_EVERY = 0.5  # s: a fast model needs no event for each word
TOLD_AGAIN = 5.0  # s: an end may have died with the monitor that had it in its queue


def fitting(text, bytes_max):
    """As the monitor takes it: no control characters, and cut at a code point."""
    printable = "".join(c if c >= " " and c != "\x7f" else " " for c in text)
    return printable.encode("utf-8", "replace")[:bytes_max].decode("utf-8", "ignore")


class Run:
    """One run of one agent, as it was last told."""

    def __init__(self, reporter, agent_id, **known):
        self.reporter = reporter
        self.agent_id = agent_id
        self.known = {"run_id": secrets.token_hex(8), **known}
        self.started = self.active = time.monotonic()
        self.promised = None  # until when something is to be heard
        self.told = 0.0

    def tell(self, kind, stale_after_ms=None, **fields):
        now = time.monotonic()
        if kind in ("register", "activity"):
            self.active, self.promised = now, None
        if stale_after_ms is not None:
            fields["stale_after_ms"] = stale_after_ms
            self.promised = now + stale_after_ms / 1000
        self.known.update({key: fields[key] for key in ("phase", "progress") if key in fields})
        self.told = now
        self.reporter.send({"kind": kind, "agent_id": self.agent_id, **self.known, **fields,
                            "running_for_ms": int((now - self.started) * 1000)})

    def advance(self, progress):
        """The work went on; told now and then."""
        if time.monotonic() - self.told >= BEAT_EVERY:
            self.tell("activity", progress=progress)

    def state(self):
        """What a monitor that has just come needs: never a register, which would make a run that
        hangs look alive. Telling it is no activity."""
        now = time.monotonic()
        event = {"kind": "activity", "agent_id": self.agent_id, **self.known,
                 "running_for_ms": int((now - self.started) * 1000),
                 "idle_for_ms": int((now - self.active) * 1000)}
        if self.promised is not None and self.promised > now:
            event["stale_after_ms"] = max(1, int((self.promised - now) * 1000))
        return event


class Reporter:
    """Reports this process's runs. Nothing here waits for the monitor in anybody's way."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.source = secrets.token_hex(8)
        self.seq = 0
        self.runs = set()
        self.ends = []  # of not long ago: (when, event)
        self.unsent = 0
        self.queue = asyncio.Queue(QUEUED_MAX)
        self.subscribed = asyncio.Event()

    async def __aenter__(self):
        self.context = zmq.asyncio.Context()
        self.socket = self.context.socket(zmq.XPUB)  # like PUB, and sees the monitor subscribe
        self.socket.linger = int(PATIENCE * 1000)
        self.socket.setsockopt(zmq.XPUB_NODROP, 1)  # a full queue is waited for, not passed over
        self.socket.setsockopt(zmq.XPUB_VERBOSE, 1)  # a monitor that was started again is seen
        self.socket.connect(self.endpoint)
        self.tasks = [asyncio.create_task(task) for task in (self.listen(), self.drain())]
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.subscribed.wait(), PATIENCE)
        return self

    async def __aexit__(self, *_):
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.queue.join(), PATIENCE)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.socket.close()
        await asyncio.to_thread(self.context.term)  # lasts as long as the socket lingers, at most
        if self.unsent:
            log.warning("%d events did not reach the monitor", self.unsent)

    async def listen(self):
        while True:
            [frame] = await self.socket.recv_multipart()
            if frame[:1] == b"\x01":
                self.subscribed.set()
                for event in self.ends_told_again() + [run.state() for run in self.runs]:
                    self.send(event)
            elif not frame[1:]:
                self.subscribed.clear()

    def ends_told_again(self):
        after = time.monotonic() - TOLD_AGAIN
        self.ends = [(when, event) for when, event in self.ends if when > after]
        return [event for _, event in self.ends]

    def send(self, event):
        """Puts it in the queue. An event that has a seq is told again under the same one."""
        if "seq" not in event:
            self.seq += 1
            event = {"v": 1, **event, "source": self.source, "seq": self.seq,
                     "sent_at": int(time.time() * 1000)}
        if event["kind"] == "unregister":
            self.ends = [*self.ends[-QUEUED_MAX:], (time.monotonic(), event)]
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.unsent += 1

    async def drain(self):
        while True:
            event = await self.queue.get()
            try:
                # Without a monitor there is nobody to send to; listen() tells the next one.
                if not self.subscribed.is_set():
                    raise asyncio.TimeoutError
                frames = [b"event." + event["agent_id"].encode(), msgpack.packb(event)]
                await asyncio.wait_for(self.socket.send_multipart(frames), PATIENCE)
            except asyncio.TimeoutError:
                self.unsent += 1
            finally:
                self.queue.task_done()

    @contextlib.contextmanager
    def run(self, agent_id, **known):
        """A run from here to the end of the block, however that ends."""
        run = Run(self, agent_id, **known)
        outcome = "failed"
        self.runs.add(run)
        run.tell("register")
        try:
            yield run
            outcome = "done"
        except (asyncio.CancelledError, GeneratorExit):  # the client went away, or we are stopped
            outcome = "cancelled"
            raise
        finally:
            self.runs.discard(run)
            run.tell("unregister", outcome=outcome)


async def ask_status(endpoint):
    """The monitor's reply, or None where it does not answer in time."""
    socket = zmq.asyncio.Context.instance().socket(zmq.REQ)
    socket.linger = 0
    try:
        socket.connect(endpoint)
        await socket.send(msgpack.packb({"v": 1, "cmd": "status"}))
        if not await socket.poll(int(PATIENCE * 1000)):
            return None
        return msgpack.unpackb(await socket.recv())
    finally:
        socket.close()  # a REQ whose question went unanswered cannot ask again


def as_status(reply):
    if reply is None:
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        return {"success": True, "status": "offline", "message": "the monitor does not answer",
                "monitor": {"running": False, "agents_monitoring": 0, "agents": [], "config": None},
                "in_flight_agents": [], "timestamp": now.replace("+00:00", "Z")}
    if not reply["ok"]:
        raise HTTPException(502, f"the monitor says: {reply['error']['message']}")
    shown = ("running", "agents_monitoring", "agents", "config")
    return {"success": True, "status": reply["status"],
            "monitor": {key: reply["monitor"][key] for key in shown},
            "in_flight_agents": reply["in_flight_agents"], "timestamp": reply["timestamp"]}


class Stream(StreamingResponse):
    """Ends its generator with the response, not when somebody collects the garbage."""

    async def stream_response(self, send):
        async with contextlib.aclosing(self.body_iterator):
            await super().stream_response(send)


class Question(BaseModel):
    message: str
    task_id: str = ""


async def repeat(message):
    """The model that asks nobody: word by word, what it was told."""
    for word in message.split():
        yield word + " "
        await asyncio.sleep(0)


def create_app(model=repeat, events=EVENTS, status=STATUS, first_answer_ms=60_000):
    """`model(message)` yields the answer piece by piece. It may think for `first_answer_ms` before
    the first; between the others, the monitor's stale threshold is the limit."""

    @contextlib.asynccontextmanager
    async def lifespan(_):
        async with Reporter(events) as app.state.reporter:
            yield

    app = FastAPI()
    app.router.lifespan_context = lifespan  # FastAPI(lifespan=…) from 0.93 on

    # The run begins and ends in here: a generator that was never begun has nothing to end.
    async def answer(question):
        with app.state.reporter.run("chat", agent_type="chat",
                                    task_id=fitting(question.task_id, 128)) as run:
            run.tell("activity", phase="waiting:model", stale_after_ms=first_answer_ms)
            pieces = 0
            async with contextlib.aclosing(model(question.message)) as answered:
                async for piece in answered:
                    pieces += 1
                    if pieces == 1:
                        run.tell("activity", phase="answering", progress=pieces)
                    run.advance(pieces)
                    yield piece

    @app.post("/api/chat")
    async def chat(question: Question):
        return Stream(answer(question), media_type="text/plain; charset=utf-8")

    @app.get("/api/heartbeat/status")
    async def heartbeat_status():
        return as_status(await ask_status(status))

    return app


app = create_app()
