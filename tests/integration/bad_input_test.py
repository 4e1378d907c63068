"""Bad events are counted under their one reason, and nobody else notices them."""

import unittest

import msgpack

from events import activity, register, told
from monitor import Monitor

TEN_YEARS = 315_576_000_000


def event(**fields):
    return {"v": 1, "kind": "activity", "agent_id": "bad", **fields}


def without(key):
    return {k: v for k, v in event().items() if k != key}


def pack(value):
    return msgpack.packb(value)


def raw_text(key, raw):
    """An event whose string under `key` is these bytes, valid UTF-8 or not."""
    packed = pack(event(**{key: "@" * len(raw)}))
    return packed.replace(b"@" * len(raw), raw)


def nested(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


class Rejections(unittest.TestCase):
    def rejected(self, reason, messages):
        """Each message (its frames, or its payload) is rejected once, for `reason`, and that is
        all that happens."""
        with Monitor() as monitor:
            agent = monitor.publisher()
            told(monitor, agent, register("bystander", task_id="T"))
            for message in messages:
                with self.subTest(message):
                    frames = message if isinstance(message, tuple) else (b"event", message)
                    before = self.counted(monitor)
                    agent.send_raw(*frames)
                    agent.marker()
                    monitor.settled(agent)
                    after = self.counted(monitor)
                    changed = {name: after[name] - before.get(name, 0) for name in after
                               if after[name] != before.get(name, 0)}
                    self.assertEqual(changed, {
                        "events_received_total": 2, "events_ignored_total": 1,  # the marker
                        f'events_rejected_total{{reason="{reason}"}}': 1})
            ids = [(row["agent_id"], row["task_id"])
                   for row in monitor.ask("agents")["agents"]]
            self.assertEqual(ids, [("bystander", "T")])

    def counted(self, monitor):
        return {name: value for name, value in monitor.counters().items()
                if name.startswith(("events_", "runs_", "sources_", "alerts_"))}

    def test_malformed(self):
        good = pack(event())
        self.rejected("malformed", [
            (b"event",), (good,), (b"event", good, b"more"), (b"event", b"", good),
            b"", b"\xc1", good[:-1], good + b"\x00", good + good,
            pack(7), pack("event"), pack(None), pack(True), pack([]),
            pack(event(deep=nested(8))), b"\x91" * 1_000 + b"\x01", b"\x81\xa1x" * 10_000,
            b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xffabc",
            pack([5]), pack(["event"]), pack([[]]),
            b"\x92" + good,  # a batch that breaks off is rejected whole
        ])

    def test_batch_too_long(self):
        self.rejected("batch_too_long", [pack([event()] * 1_025), pack([1] * 2_000)])

    def test_unsupported_version(self):
        self.rejected("unsupported_version", [
            pack(event(v=2)), pack(event(v=0)), pack(event(v=-1)), pack(event(v=1.5)),
            pack({"v": 2}), pack(event(v=2, kind=7))])

    def test_missing_field(self):
        self.rejected("missing_field", [
            pack({}), pack(without("v")), pack(without("kind")), pack(without("agent_id")),
            pack(event(seq=1)), pack(event(agent_id=None)), pack([without("v")]),
            pack({"v": 1, "kind": 7})])

    def test_bad_type(self):
        self.rejected("bad_type", [
            pack(event(v="1")), pack(event(kind=3)), pack(event(agent_id=5)),
            pack(event(agent_id=b"bytes")), pack(event(task_id=[])), pack(event(progress="7")),
            pack(event(running_for_ms=True)), pack(event(idle_for_ms={})),
            pack(event(seq="1", source="s")), pack(event(source=1)), pack(event(sent_at="now")),
            pack({**event(), 5: 6}), pack({**event(), b"x": 6}),
            pack(event(timeout_after_ms="1")),  # checked although activity does not list it
            pack(event(progress=-1, phase=7))])

    def test_bad_value(self):
        self.rejected("bad_value", [
            pack(event(agent_id="")), pack(event(source="", seq=1)),
            pack(event(running_for_ms=-1)), pack(event(idle_for_ms=1.5)),
            pack(event(stale_after_ms=0)), pack(event(stale_after_ms=TEN_YEARS + 1)),
            pack(event(timeout_after_ms=0)), pack(event(running_for_ms=2**64 - 1)),
            pack(event(running_for_ms=float("nan"))), pack(event(running_for_ms=float("inf"))),
            pack(event(running_for_ms=1e300)), pack(event(progress=-1)),
            pack(event(source="s", seq=0)), pack(event(source="s", seq=2**53 + 1)),
            pack(event(sent_at=-5)), pack(event(stale_after_ms=0, phase="x" * 65))])

    def test_too_long(self):
        limits = {"agent_id": 128, "run_id": 128, "task_id": 128, "agent_type": 64, "phase": 64,
                  "detail": 512, "outcome": 64, "source": 64}
        self.rejected("too_long",
                      [pack(event(**{key: "x" * (most + 1)})) for key, most in limits.items()] +
                      [pack(event(detail="é" * 257)), pack(event(phase="\n" * 65)),
                       pack(event(phase="x" * 65, kind="restart"))])

    def test_bad_utf8(self):
        bad = [b"\xff", b"\xc3", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
               b"a\xe2\x82b", b"\x00", b"\x1f", b"\x7f", b"line\nbreak"]
        keys = ["agent_id", "run_id", "task_id", "agent_type", "phase", "detail", "outcome",
                "source"]
        self.rejected("bad_utf8", [raw_text("agent_id", raw) for raw in bad] +
                      [raw_text(key, b"\xff") for key in keys] +
                      [pack(event(kind="restart", phase="\x01"))])

    def test_unknown_kind(self):
        self.rejected("unknown_kind", [pack(event(kind=kind))
                                       for kind in ("restart", "Register", "activity ")])

    def test_too_many_runs(self):
        with Monitor(runs_max=1) as monitor:
            agent = monitor.publisher()
            told(monitor, agent, register("first"), register("second"), register("first"))
            counters = monitor.counters()
            self.assertEqual(counters['events_rejected_total{reason="too_many_runs"}'], 1)
            self.assertEqual(counters["events_folded_total"], 2)
            self.assertEqual([row["agent_id"] for row in monitor.ask("agents")["agents"]],
                             ["first"])

    def test_events_of_a_batch_are_judged_one_by_one(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            agent.send_raw(b"event", pack([
                event(agent_id="a"), 5, event(v=2), event(agent_id="b"), without("kind"),
                event(kind="restart"), event(phase="x" * 65), event(agent_id="c")]))
            agent.marker()
            monitor.settled(agent)
            counters = monitor.counters()
            reasons = {name.split('"')[1]: value for name, value in counters.items()
                       if name.startswith("events_rejected_total") and value}
            self.assertEqual(reasons, {"malformed": 1, "unsupported_version": 1,
                                       "missing_field": 1, "unknown_kind": 1, "too_long": 1})
            self.assertEqual(counters["events_folded_total"], 3)
            self.assertEqual(sorted(row["agent_id"] for row in monitor.ask("agents")["agents"]),
                             ["a", "b", "c"])

    def test_a_rejected_event_was_still_seen_and_is_no_loss(self):
        with Monitor() as monitor:
            agent = monitor.publisher()
            told(monitor, agent, register("a"), register("a", phase="x" * 65), activity("a"))
            self.assertEqual(monitor.counters()["events_lost_total"], 0)
            self.assertEqual(monitor.ask("ping", source=agent.source)["source_rejected"], 1)
            [run] = monitor.ask("agent", agent_id="a")["runs"]
            self.assertEqual(run["rejected_events"], 1)


if __name__ == "__main__":
    unittest.main()
