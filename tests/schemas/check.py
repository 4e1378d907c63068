#!/usr/bin/python3
"""The machine-readable contract agrees with itself and with the C++ headers.

Exit code 1 names whatever failed; the counts at the end say what was looked at.
"""

import collections
import copy
import importlib.util
import json
import pathlib
import re
import sys

import msgpack
from jsonschema import Draft202012Validator, RefResolver

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
GOLDEN = SCHEMAS / "golden"
HEADERS = ROOT / "include" / "heartbeat"
CONSTANTS = {
    "any_duration": (0, 315_576_000_000),
    "positive_duration": (1, 315_576_000_000),
    "limit_bounds": (1, 10_000),
    "seq_max": 2**53,
    "epoch_bytes_max": 64,
}
# Schema, and the path inside it, of each table in the headers.
TABLES = {
    "Event": ("event",), "Alert": ("alert",), "Beat": ("beat",),
    "PingRequest": ("request-ping",), "StatusRequest": ("request-status",),
    "AgentsRequest": ("request-agents",), "AgentRequest": ("request-agent",),
    "AlertsRequest": ("request-alerts",), "CountersRequest": ("request-counters",),
    "PingReply": ("reply-ping",), "StatusReply": ("reply-status",),
    "AgentsReply": ("reply-agents",), "AgentReply": ("reply-agent",),
    "AlertsPage<AlertT>": ("reply-alerts",), "CountersReply": ("reply-counters",),
    "RunRow": ("run-row",), "RunDetail": ("run-detail",),
    "LastEvent": ("run-detail", "$defs", "last_event"),
    "MonitorState": ("reply-status", "properties", "monitor"),
    "MonitorConfig": ("reply-status", "properties", "monitor", "properties", "config"),
    "RunCounts": ("reply-status", "properties", "counts"),
    "MonitorHealth": ("reply-status", "properties", "health"),
    "Error": ("reply-error", "properties", "error"),
}
ENVELOPE = {"request": {"v", "cmd"}, "reply": {"v", "ok"}, "event": {"v"}, "alert": {"v"}, "beat": {"v"}}

failures = []
counts = collections.Counter()


def expect(condition, what, kind):
    counts[kind] += 1
    if not condition:
        failures.append(f"{kind}: {what}")


def load_schemas():
    schemas = {}
    for path in sorted(SCHEMAS.glob("*.schema.json")):
        schema = json.loads(path.read_text())
        name = path.name.removesuffix(".schema.json")
        try:
            Draft202012Validator.check_schema(schema)
            why = ""
        except Exception as problem:  # whatever is wrong with the file is the finding
            why = str(problem).splitlines()[0]
        expect(not why, f"{path.name} is no valid schema: {why}", "schemas")
        expect(schema.get("$id", "").endswith("/" + path.name), f"$id of {path.name}", "schemas")
        schemas[name] = schema
    return schemas


def validators(schemas):
    store = {schema["$id"]: schema for schema in schemas.values()}
    return {name: Draft202012Validator(schema, resolver=RefResolver(schema["$id"], schema, store))
            for name, schema in schemas.items()}


def schema_of(golden):
    """event-register-full is an event, request-agents-default a request-agents."""
    words = golden.split("-")
    if golden == "event-batch":
        return golden
    return "-".join(words[:2]) if words[0] in ("request", "reply") else words[0]


def same(a, b):
    """Equal also in type and in the order of keys: 1 is neither True nor 1.0 here."""
    return json.dumps(a) == json.dumps(b)


def has_float(value):
    if isinstance(value, dict):
        return any(has_float(inner) for pair in value.items() for inner in pair)
    if isinstance(value, list):
        return any(has_float(inner) for inner in value)
    return isinstance(value, float)


def check_golden(validator):
    spec = importlib.util.spec_from_file_location("make", GOLDEN / "make.py")
    make = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(make)
    made = make.vectors()
    present = {path.name for path in GOLDEN.iterdir() if path.suffix in (".json", ".msgpack")}
    expect(present == set(made), f"files differ: {sorted(present ^ set(made))}", "golden files")
    for name in sorted(present & set(made)):
        expect((GOLDEN / name).read_bytes() == made[name], f"{name} is not what make.py writes",
               "golden files")

    reasons = set()
    covered = set()
    for name in sorted({pathlib.Path(file).stem for file in present}):
        if not {f"{name}.json", f"{name}.msgpack"} <= present:
            expect(False, f"{name} is no pair", "golden vectors")
            continue
        said = json.loads((GOLDEN / f"{name}.json").read_text())
        packed = (GOLDEN / f"{name}.msgpack").read_bytes()
        if name.startswith("event-rejected-"):
            reasons.add(said["reason"])
            expect(set(said) == {"reason", "why"} and
                   name.startswith(f"event-rejected-{said['reason']}-"), name, "golden rejections")
            check_rejection(name, said["reason"], packed, validator)
            continue
        covered.add(schema_of(name))
        try:
            unpacked = msgpack.unpackb(packed)
        except (ValueError, msgpack.UnpackException) as problem:
            expect(False, f"{name}.msgpack: {problem}", "golden vectors")
            continue
        expect(same(unpacked, said), f"{name}: .msgpack and .json differ", "golden vectors")
        expect(msgpack.packb(said) == packed, f"{name} is not canonical", "golden vectors")
        expect(not has_float(unpacked), f"{name} holds a float", "golden vectors")
        problem = next(validator[schema_of(name)].iter_errors(said), None)
        expect(problem is None, f"{name}: {problem and problem.message}", "golden vectors")
        for element in said if isinstance(said, list) else [said]:
            keys = [key for key in order_of(schema_of(name), validator) if key in element]
            expect(list(element) == keys, f"{name}: order of keys", "golden vectors")
    wanted = set(validator) - {"run-row", "run-detail"}
    expect(covered == wanted, f"without a vector: {sorted(wanted - covered)}", "golden vectors")
    decodable = names_of("Rejection")[:-3]  # the last three are decided after decoding
    expect(reasons == set(decodable), f"reasons {sorted(reasons ^ set(decodable))}",
           "golden rejections")


def order_of(name, validator):
    return validator["event" if name == "event-batch" else name].schema["properties"]


def check_rejection(name, reason, packed, validator):
    """What JSON can express of a rejection, the schemas refuse as well."""
    try:
        message = msgpack.unpackb(packed, strict_map_key=False)
        json.dumps(message, allow_nan=False)
    except (ValueError, TypeError, msgpack.UnpackException):
        return
    if reason == "too_long" and "code-points" in name:
        return  # maxLength counts code points
    if "-key" in name or "-deep" in name:
        return  # JSON has only string keys, JSON Schema no depth
    schema = "event-batch" if isinstance(message, list) else "event"
    expect(not validator[schema].is_valid(message), f"{name} passes its schema", "golden rejections")


def names_of(enum):
    text = (HEADERS / "event.hpp").read_text()
    table = re.search(r"struct Names<%s> \{(.*?)\n\};" % enum, text, re.S).group(1)
    return re.findall(r'"(\w+)"', table)


def header_tables():
    """Table name to its fields: (key, presence, bounds)."""
    tables = {}
    field = re.compile(r'Field\{"(\w+)",\s*&[\w<>]+::\w+(?:,\s*Presence::(\w+))?'
                       r'(?:,\s*(\w+|\{[^}]*\}))?\}')
    for path in sorted(HEADERS.glob("*.hpp")):
        text = path.read_text()
        for table, body in re.findall(r"struct Message<([^\n]+)> \{\n(.*?)\n\};", text, re.S):
            fields = field.findall(body)
            # A field that this pattern does not understand must not go unnoticed.
            expect(len(fields) == body.count("Field{"), f"fields of {table} are read", "headers")
            tables[table] = [(key, presence or "always", bounds_of(bounds))
                             for key, presence, bounds in fields]
    return tables


def bounds_of(text):
    if not text:
        return None
    if text in CONSTANTS:
        return CONSTANTS[text]
    low, high = (part.strip() for part in text.strip("{}").split(","))
    return int(low), CONSTANTS[high] if high in CONSTANTS else int(high)


def check_headers(schemas):
    tables = header_tables()
    expect(set(tables) == set(TABLES), f"tables {sorted(set(tables) ^ set(TABLES))}", "headers")
    for table in sorted(set(tables) & set(TABLES)):
        where = TABLES[table]
        schema = schemas.get(where[0], {})
        for step in where[1:]:
            schema = schema.get(step, {})
        properties = schema.get("properties", {})
        envelope = ENVELOPE.get(where[0].split("-")[0], set()) if len(where) == 1 else set()
        keys = [key for key in properties if key not in envelope]
        expect(envelope <= set(properties), f"{where[0]} lacks v, cmd or ok", "headers")
        expect(keys == [key for key, _, _ in tables[table]], f"keys of {table} and {where}", "headers")
        for key, presence, bounds in tables[table]:
            described = properties.get(key, {})
            required = key in schema.get("required", [])
            told = where[0].startswith(("event", "request"))
            expect(required == (presence == "required" or (presence == "always" and not told)),
                   f"{table}.{key}: required or not", "headers")
            if bounds and "enum" not in described:
                text = "string" in described.get("type", "")
                low = described.get("minLength" if text else "minimum", 0)
                high = described.get("maxLength" if text else "maximum")
                expect((low, high) == bounds, f"{table}.{key}: bounds {bounds}", "headers")
    text = (HEADERS / "event.hpp").read_text()
    kinds = schemas["event"]["properties"]["kind"]["enum"]
    expect(kinds == names_of("EventKind"), "kinds of event", "headers")
    batch = re.search(r"batch_max = ([\d']+)", text).group(1).replace("'", "")
    expect(schemas["event-batch"]["maxItems"] == int(batch), "batch_max", "headers")


def derived_negatives(schema, value):
    """One refused value for each rule that the description of one property states."""
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if "const" in schema:
        yield "another constant", 2 if isinstance(schema["const"], int) else "other"
    if "enum" in schema:
        yield "another name", "no such name"
    if "string" in types:
        yield "a number for a string", 7
        yield "a control character", "a\x1fb"
        yield "a delete", "a\x7f"
        yield "a last line feed", "a\n"
        if schema.get("minLength"):
            yield "an empty string", ""
        if "maxLength" in schema:
            yield "too long a string", "x" * (schema["maxLength"] + 1)
    if "integer" in types and "const" not in schema:
        yield "a string for an integer", "7"
        yield "a bool for an integer", True
        yield "not whole", 1.5
        yield "below the minimum", schema["minimum"] - 1
        yield "above the maximum", schema["maximum"] + 1
    if "boolean" in types:
        yield "an integer for a bool", 0
    if "array" in types:
        yield "a map for an array", {}
        yield "a bad element", [7.5]
        if "maxItems" in schema:
            yield "too many elements", [value[0] if value else {}] * (schema["maxItems"] + 1)
    if "object" in types:
        yield "an array for a map", []
    if types and "null" not in types:
        yield "null", None


def check_negatives(schemas, validator):
    def refused(name, instance, what):
        expect(not validator[name].is_valid(instance), f"{name} accepts {what}", "negatives")

    def vary(name, schema, whole, part, path):
        for key in schema.get("required", []):
            if key in part:
                kept = part.pop(key)
                refused(name, whole, f"{path}{key} absent")
                part[key] = kept
        for key, described in schema.get("properties", {}).items():
            kept = dict(part)
            for what, value in derived_negatives(described, part.get(key, [])):
                part[key] = value
                refused(name, whole, f"{path}{key}: {what}")
            part.clear()
            part.update(kept)
            if isinstance(part.get(key), dict):
                vary(name, described, whole, part[key], f"{path}{key}.")

    samples = {
        "event": "event-register-full", "alert": "alert-stale", "beat": "beat",
        "reply-error": "reply-error-not-found-ended", "reply-ping": "reply-ping-source",
        "reply-status": "reply-status-agents", "reply-agents": "reply-agents-page",
        "reply-agent": "reply-agent-runs", "reply-alerts": "reply-alerts-page",
        "reply-counters": "reply-counters-some", "request-ping": "request-ping-source",
        "request-status": "request-status-limit", "request-agents": "request-agents-all",
        "request-agent": "request-agent-run", "request-alerts": "request-alerts-all",
        "request-counters": "request-counters-bare",
    }
    instances = {name: json.loads((GOLDEN / f"{file}.json").read_text())
                 for name, file in samples.items()}
    instances["run-row"] = instances["reply-agents"]["agents"][0]
    instances["run-detail"] = instances["reply-agent"]["runs"][0]
    expect(set(instances) == set(schemas) - {"event-batch"}, "a sample of every schema", "negatives")
    for name, instance in instances.items():
        whole = copy.deepcopy(instance)
        vary(name, schemas[name], whole, whole, "")
        expect(whole == instance and validator[name].is_valid(whole), f"{name}: sample", "negatives")
        expect(validator[name].is_valid(whole | {"unknown": 1}), f"{name}: unknown key", "negatives")
        refused(name, [instance], "an array")

    event = instances["event"]
    for what, batch in {"no event": [], "1025 events": [event] * 1_025, "a number": [7],
                        "a bad event": [event, event | {"kind": "dance"}], "a map": event}.items():
        refused("event-batch", batch, what)
    without_source = {key: value for key, value in event.items() if key != "source"}
    refused("event", without_source, "seq without source")
    refused("event", event | {"source": None}, "seq with a nil source")
    expect(validator["event"].is_valid(without_source | {"seq": None}), "nil seq", "negatives")
    alerts = instances["reply-alerts"]
    refused("reply-alerts", alerts | {"alerts": [{**alerts["alerts"][0], "seq": 0}]}, "a bad alert")
    rows = instances["reply-agents"]
    refused("reply-agents", rows | {"agents": [{**rows["agents"][0], "stale": 1}]}, "a bad row")
    detail = instances["run-detail"]
    refused("run-detail", detail | {"adopted": 1}, "a bad row in a detail")
    refused("run-detail", detail | {"last_events": [{"kind": "dance", "ago_ms": 0, "read_at": 0}]},
            "a bad last event")
    for what, counters in {"a bad name": {"A b": 1}, "a quote in a label": {'x{y="a"b"}': 1},
                           "labels without a comma": {'x{y="a"z="b"}': 1}, "a negative": {"x": -1}, "text": {"x": "1"}}.items():
        refused("reply-counters", instances["reply-counters"] | {"counters": counters}, what)
    refused("reply-status", instances["reply-status"] | {"timestamp": "yesterday"}, "a bad timestamp")


def main():
    schemas = load_schemas()
    validator = validators(schemas)
    # Each step stands on the one before: an invalid schema cannot validate anything.
    for step in (lambda: check_headers(schemas), lambda: check_golden(validator),
                 lambda: check_negatives(schemas, validator)):
        if not failures:
            step()
    for failure in failures:
        print(f"FAILED {failure}")
    print(", ".join(f"{kind} {number}" for kind, number in counts.items()),
          "checks;", f"{len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
