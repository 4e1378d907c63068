#!/usr/bin/python3
"""Writes the golden vectors: <name>.json, what a message says, and <name>.msgpack, its bytes.

An encoder must produce these very bytes and a decoder must read them. Canonical: the smallest
integer widths, keys in the order of the tables in include/heartbeat, no floats. What is rejected
has {"reason", "why"} as its .json, because much of it could not be written in JSON.

Usage: make.py [directory]    (default: where this script lies)
"""

import json
import pathlib
import sys

import msgpack

DURATION_MAX = 315_576_000_000
SEQ_MAX = 2**53
WALL = 1_764_000_000_000
EPOCH = "6f1c2a9be07d4385"
SOURCE = "b7e1f0a29c5d4e36"


def event(kind, agent_id, **fields):
    return {"v": 1, "kind": kind, "agent_id": agent_id, **fields}


def alert(seq, kind, severity, message, **fields):
    values = {
        "v": 1, "epoch": EPOCH, "seq": seq, "id": f"{EPOCH}-{seq}", "severity": severity,
        "kind": kind, "agent_id": "", "run_id": "", "task_id": "", "agent_type": "",
        "message": message, "idle_ms": 0, "idle_seconds": 0, "elapsed_ms": 0,
        "elapsed_seconds": 0, "elapsed_minutes": 0, "threshold_ms": 0, "raised_at": WALL + seq,
        "reason": "", "supersedes": "", "lost_events": 0, "blind_ms": 0, "storm": "",
        "since_seq": 0, "overloaded": False, "replayed": False, "source": "heartbeat-monitor",
    }
    unknown = set(fields) - set(values)
    assert not unknown, unknown
    return values | fields


def request(cmd, **fields):
    return {"v": 1, "cmd": cmd, **fields}


def reply(**fields):
    return {"v": 1, "ok": True, **fields}


def error(code, message, **fields):
    return {"v": 1, "ok": False, "error": {"code": code, "message": message, **fields}}


def row(agent_id, **fields):
    values = {
        "agent_id": agent_id, "run_id": "", "task_id": "", "agent_type": "", "status": "running",
        "stale": False, "adopted": False, "started_at": WALL - 90_000,
        "last_activity_at": WALL - 1_500, "running_for_ms": 90_000, "idle_for_ms": 1_500,
        "stale_in_ms": 58_500, "timeout_in_ms": 3_510_000, "phase": "", "progress": 0,
        "detail": "", "lost_events": 0,
    }
    unknown = set(fields) - set(values)
    assert not unknown, unknown
    return values | fields


FULL_ROW = row("dev-1", run_id="r-7", task_id="T-42", agent_type="coder", status="idle",
               stale=True, adopted=True, phase="waiting:human", progress=7, detail="step 3 of 9",
               lost_events=3, idle_for_ms=61_000, stale_in_ms=0)

STALE = alert(1, "stale", "warning", "Stale agent detected: dev-1 idle for 61s", agent_id="dev-1",
              run_id="r-7", task_id="T-42", agent_type="coder", idle_ms=61_004, idle_seconds=61,
              elapsed_ms=125_700, elapsed_seconds=125, elapsed_minutes=2, threshold_ms=60_000,
              lost_events=3)
TIMEOUT = alert(2, "timeout", "error",
                "Timeout: agent dev-1 running for 60min (task: T-42)", agent_id="dev-1",
                run_id="r-7", task_id="T-42", agent_type="coder", idle_ms=3_535_305,
                idle_seconds=3_535, elapsed_ms=3_600_001, elapsed_seconds=3_600,
                elapsed_minutes=60, threshold_ms=3_600_000, supersedes=STALE["id"])
RESOLVED = alert(3, "resolved", "info", "Resolved: agent pm active again after 75s", id=f"{EPOCH}-9",
                 agent_id="pm", idle_ms=75_250, idle_seconds=75, elapsed_ms=400_000,
                 elapsed_seconds=400, elapsed_minutes=6, threshold_ms=60_000, reason="activity")

MESSAGES = {
    "event-register-full": event(
        "register", "dev-1", run_id="r-7", task_id="T-42", agent_type="coder",
        running_for_ms=65_536, idle_for_ms=256, stale_after_ms=60_000,
        timeout_after_ms=DURATION_MAX, phase="tool:web_search", detail="first of two",
        source=SOURCE, seq=1, sent_at=WALL),
    "event-register-minimal": event("register", "pm"),
    "event-activity": event("activity", "dev-1", run_id="r-7", running_for_ms=70_000, progress=128,
                            source=SOURCE, seq=2, sent_at=WALL + 5_000),
    "event-activity-promise": event("activity", "dev-1", stale_after_ms=1, source=SOURCE, seq=255),
    "event-activity-clears": event("activity", "dev-1", task_id="", phase="", detail=""),
    "event-idle": event("idle", "dev-1", run_id="r-7", idle_for_ms=127, phase="waiting:human",
                        source=SOURCE, seq=65_535),
    "event-unregister": event("unregister", "dev-1", run_id="r-7", running_for_ms=4_294_967_296,
                              detail="all tests pass", outcome="done", source=SOURCE, seq=SEQ_MAX),
    "event-unicode": event("activity", "агент-😀", run_id="走-1", task_id="Ærø", detail="naïve ✓ 漢字 \u200d"),
    "event-no-source": event("activity", "cron-job", progress=2**64 - 1, sent_at=2**63 - 1),
    "event-floats-free": event("activity", "dev-1", running_for_ms=2, idle_for_ms=0, progress=0,
                               source=SOURCE, seq=32),
    "event-longest": event("register", "a" * 128, run_id="r" * 128, task_id="t" * 128,
                           agent_type="y" * 64, phase="p" * 64, detail="é" * 256,
                           source="s" * 64, seq=1),
    "event-batch": [
        event("register", "dev-1", source=SOURCE, seq=1),
        event("activity", "dev-1", progress=1, source=SOURCE, seq=2),
        event("unregister", "dev-2", outcome="failed", source=SOURCE, seq=3),
    ],
    "alert-stale": STALE,
    "alert-timeout": TIMEOUT,
    "alert-resolved": RESOLVED,
    "alert-storm": alert(40, "storm", "error", "Storm: 14 of 20 agents fell silent within 5s",
                         since_seq=27),
    "alert-capacity": alert(41, "capacity", "error",
                            "Capacity: 1000000 runs in flight, new agents go unwatched"),
    "beat": {"v": 1, "epoch": EPOCH, "alert_seq": 41, "agents_monitoring": 20, "stale": 2,
             "overloaded": False, "uptime_ms": 86_400_000, "sent_at": WALL, "state_file": "kept"},
    "request-ping-bare": request("ping"),
    "request-ping-source": request("ping", source=SOURCE),
    "request-status-default": request("status", limit=1_000),
    "request-status-limit": request("status", limit=10_000),
    "request-agents-default": request("agents", limit=1_000),
    "request-agents-all": request("agents", limit=1, after="c-17", status="stale", agent="dev-*"),
    "request-agent-id": request("agent", agent_id="dev-1"),
    "request-agent-run": request("agent", agent_id="dev-1", run_id="r-7"),
    "request-alerts-default": request("alerts", since_seq=0, limit=1_000),
    "request-alerts-all": request("alerts", since_seq=41, epoch=EPOCH, limit=100),
    "request-counters-bare": request("counters"),
    "reply-ping-bare": reply(epoch=EPOCH, uptime_ms=1_234, version="0.1.0"),
    "reply-ping-source": reply(epoch=EPOCH, uptime_ms=1_234, version="0.1.0", source_seq=17,
                               source_rejected=0),
    "reply-ping-rejected": reply(epoch=EPOCH, uptime_ms=1_234, version="0.1.0", source_seq=17,
                                 source_rejected=2, source_rejected_reason="bad_value"),
    "reply-status-empty": reply(
        status="online",
        monitor={"running": True, "agents_monitoring": 0, "agents": [], "agents_truncated": False,
                 "config": {"check_interval_ms": 30_000, "stale_threshold_ms": 60_000,
                            "timeout_threshold_ms": 3_600_000, "stale_warning_only_once": True}},
        counts={"running": 0, "idle": 0, "stale": 0},
        health={"epoch": EPOCH, "version": "0.1.0", "uptime_ms": 12, "last_check_age_ms": 0,
                "ingest_lag_ms": 0, "overloaded": False, "state_file": "none", "storm": ""},
        in_flight_agents=[], timestamp="2025-11-24T16:00:00.000Z"),
    "reply-status-agents": reply(
        status="online",
        monitor={"running": True, "agents_monitoring": 2, "agents": ["dev-1", "pm"],
                 "agents_truncated": False,
                 "config": {"check_interval_ms": 30_000, "stale_threshold_ms": 60_000,
                            "timeout_threshold_ms": 3_600_000, "stale_warning_only_once": False}},
        counts={"running": 1, "idle": 1, "stale": 1},
        health={"epoch": EPOCH, "version": "0.1.0", "uptime_ms": 86_400_000,
                "last_check_age_ms": 3, "ingest_lag_ms": 0, "overloaded": False,
                "state_file": "left", "storm": EPOCH + "-7"},
        in_flight_agents=[FULL_ROW, row("pm")], timestamp="2025-11-24T16:00:00.250Z"),
    "reply-agents-page": reply(agents=[FULL_ROW, row("pm")], next="c-18"),
    "reply-agents-last": reply(agents=[], next=None),
    "reply-agent-runs": reply(
        runs=[
            FULL_ROW | {
                "stale_after_ms": 60_000, "stale_after_from": "promise", "grace": "",
                "timeout_after_ms": 3_600_000, "timeout_after_from": "register",
                "episode": STALE["id"],
                "last_events": [{"kind": "idle", "ago_ms": 500, "read_at": WALL - 500},
                                {"kind": "activity", "ago_ms": 61_000, "read_at": WALL - 61_000}],
                "source": SOURCE, "seq": 17, "sent_at": WALL - 510, "blind_ms": 0,
                "storm": "", "rejected_events": 1, "zombie_events": 2},
            row("dev-1") | {
                "stale_after_ms": 60_000, "stale_after_from": "configuration",
                "grace": "restart",
                "timeout_after_ms": 3_600_000, "timeout_after_from": "configuration",
                "episode": "", "last_events": [], "source": "", "seq": 0, "sent_at": None,
                "blind_ms": 0, "storm": "", "rejected_events": 0, "zombie_events": 0},
        ],
        runs_truncated=False),
    "reply-alerts-page": reply(epoch=EPOCH, first_seq=1, last_seq=3, alerts=[STALE, TIMEOUT, RESOLVED]),
    "reply-alerts-empty": reply(epoch=EPOCH, first_seq=1, last_seq=0, alerts=[]),
    "reply-counters-some": reply(counters={
        "events_received_total": 70_000, "events_folded_total": 69_999,
        'events_rejected_total{reason="malformed"}': 1, "runs_in_flight": 20, "runs_stale": 2,
        'alerts_published_total{kind="stale"}': 41, "loop_stall_max_ms": 0,
        'runs_by_type{agent_type="a \\"quoted\\" one",status="idle"}': 2,
        'turn_us_bucket{le="+Inf"}': 3}),
    "reply-counters-empty": reply(counters={}),
    "reply-error-not-found": error("not_found", "no run of agent dev-9 is in flight"),
    "reply-error-not-found-ended": error(
        "not_found", "agent dev-1 ended", ended_at=WALL, ended_by="unregister", outcome="done",
        running_for_ms=65_000, timeout_after_ms=60_000, timeout_after_from="register",
        last_events=[{"kind": "register", "ago_ms": 66_000, "read_at": WALL - 66_000}],
        rejected_events=1, zombie_events=3),
    "reply-error-bad-argument": error("bad_argument", "limit is 0: expected 1 to 10000"),
}


def with_bytes(placeholder, raw, message):
    """The message with the bytes of a string replaced, to write strings that are not UTF-8."""
    packed = msgpack.packb(message)
    assert packed.count(placeholder) == 1 and len(placeholder) == len(raw)
    return packed.replace(placeholder, raw)


def rejected():
    """Name after event-rejected-, why, and what is sent: a value to pack, or bytes."""
    plain = event("activity", "dev-1")
    packed = msgpack.packb(plain)
    deep = 0
    for _ in range(8):
        deep = [deep]
    without = lambda key: {k: v for k, v in plain.items() if k != key}
    return {
        "malformed-trailing": ("a byte after the event", packed + b"\xc0"),
        "malformed-truncated": ("the last byte is missing", packed[:-1]),
        "malformed-nothing": ("an empty payload", b""),
        "malformed-reserved": ("0xc1 is no MessagePack", b"\xc1"),
        "malformed-huge": ("an array of 4294967295 elements in five bytes", b"\xdd\xff\xff\xff\xff"),
        "malformed-huge-string": ("a string longer than the payload",
                                  b"\x81\xdb\xff\xff\xff\xff" + b"v"),
        "malformed-deep": ("nine containers within each other, the event itself included",
                           plain | {"x": deep}),
        "malformed-empty-batch": ("a batch without events", []),
        "malformed-scalar": ("the top level is neither map nor array", "activity"),
        "malformed-element": ("the only element of the batch is no map", [42]),
        "batch_too_long-1025": ("1025 elements, whatever they are", [{}] * 1_025),
        "unsupported_version-2": ("v is 2", plain | {"v": 2}),
        "unsupported_version-zero": ("v is 0", plain | {"v": 0}),
        "unsupported_version-negative": ("v is -1, a number that is not 1", plain | {"v": -1}),
        "unsupported_version-first": ("v is 2; that agent_id is absent does not matter",
                                      without("agent_id") | {"v": 2}),
        "missing_field-v": ("v is absent", without("v")),
        "missing_field-kind": ("kind is absent", without("kind")),
        "missing_field-agent_id": ("agent_id is absent", without("agent_id")),
        "missing_field-nil": ("nil is absent", plain | {"agent_id": None}),
        "missing_field-source": ("seq without source", plain | {"seq": 1}),
        "missing_field-first": ("agent_id is absent; that kind is no string does not matter",
                                {"v": 1, "kind": 7}),
        "missing_field-map": ("an event without any key", {}),
        "bad_type-version": ("v is a string", plain | {"v": "1"}),
        "bad_type-kind": ("kind is an integer", plain | {"kind": 1}),
        "bad_type-agent_id": ("agent_id is an integer", plain | {"agent_id": 7}),
        "bad_type-bin": ("agent_id is bin, not str", plain | {"agent_id": b"dev-1"}),
        "bad_type-bool": ("progress is a bool", plain | {"progress": True}),
        "bad_type-string": ("running_for_ms is a string", plain | {"running_for_ms": "5"}),
        "bad_type-container": ("detail is an array", plain | {"detail": ["x"]}),
        "bad_type-key": ("a key is an integer", plain | {1: "x"}),
        "bad_type-other-kind": ("outcome is an integer: checked although activity ignores it",
                                plain | {"outcome": 1}),
        "bad_value-negative": ("running_for_ms is negative", plain | {"running_for_ms": -1}),
        "bad_value-zero": ("stale_after_ms is 0", plain | {"stale_after_ms": 0}),
        "bad_value-zero-timeout": ("timeout_after_ms is 0",
                                   event("register", "dev-1", timeout_after_ms=0)),
        "bad_value-over-maximum": ("idle_for_ms is over ten years",
                                   plain | {"idle_for_ms": DURATION_MAX + 1}),
        "bad_value-not-whole": ("running_for_ms is 1.5", plain | {"running_for_ms": 1.5}),
        "bad_value-nan": ("progress is NaN", plain | {"progress": float("nan")}),
        "bad_value-infinite": ("progress is infinite", plain | {"progress": float("inf")}),
        "bad_value-empty-agent_id": ("agent_id is empty", plain | {"agent_id": ""}),
        "bad_value-empty-source": ("source is empty", plain | {"source": "", "seq": 1}),
        "bad_value-seq-zero": ("seq is 0", plain | {"source": SOURCE, "seq": 0}),
        "bad_value-seq-over": ("seq is over 2^53", plain | {"source": SOURCE, "seq": SEQ_MAX + 1}),
        "bad_value-first": ("progress is negative; that phase is too long and kind unknown does "
                            "not matter",
                            event("dance", "dev-1", phase="p" * 65, progress=-1)),
        "too_long-agent_id": ("agent_id has 129 bytes", plain | {"agent_id": "a" * 129}),
        "too_long-code-points": ("agent_id has 129 bytes in 43 code points",
                                 plain | {"agent_id": "走" * 43}),
        "too_long-run_id": ("run_id has 129 bytes", plain | {"run_id": "r" * 129}),
        "too_long-agent_type": ("agent_type has 65 bytes", plain | {"agent_type": "y" * 65}),
        "too_long-phase": ("phase has 65 bytes", plain | {"phase": "p" * 65}),
        "too_long-detail": ("detail has 513 bytes", plain | {"detail": "d" * 513}),
        "too_long-source": ("source has 65 bytes", plain | {"source": "s" * 65, "seq": 1}),
        "bad_utf8-byte": ("0xff is in no UTF-8",
                          with_bytes(b"dev-1", b"dev-\xff", plain)),
        "bad_utf8-cut": ("a sequence of three bytes ends after two",
                         with_bytes(b"dev-1", b"dev\xe8\xb5", plain)),
        "bad_utf8-overlong": ("an overlong form of U+0000",
                              with_bytes(b"dev-1", b"dev\xc0\x80", plain)),
        "bad_utf8-surrogate": ("a surrogate, U+D800", with_bytes(b"dev-1", b"de\xed\xa0\x80", plain)),
        "bad_utf8-beyond": ("beyond U+10FFFF", with_bytes(b"dev-1", b"d\xf4\x90\x80\x80", plain)),
        "bad_utf8-newline": ("detail holds a line feed", plain | {"detail": "a\nb"}),
        "bad_utf8-nul": ("agent_id holds U+0000", plain | {"agent_id": "dev\0"}),
        "bad_utf8-delete": ("phase holds U+007F", plain | {"phase": "\x7f"}),
        "unknown_kind-dance": ("no such kind", event("dance", "dev-1")),
        "unknown_kind-case": ("kinds are written in lower case", event("Activity", "dev-1")),
    }


def vectors():
    """File name to bytes, of every file."""
    files = {}

    def add(name, said, packed):
        text = json.dumps(said, indent=2, ensure_ascii=False) + "\n"
        files[f"{name}.json"] = text.encode()
        files[f"{name}.msgpack"] = packed

    for name, message in MESSAGES.items():
        add(name, message, msgpack.packb(message))
    for name, (why, sent) in rejected().items():
        packed = sent if isinstance(sent, bytes) else msgpack.packb(sent)
        add(f"event-rejected-{name}", {"reason": name.split("-")[0], "why": why}, packed)
    return files


def main():
    home = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    for name, content in vectors().items():
        (home / name).write_bytes(content)


if __name__ == "__main__":
    main()
