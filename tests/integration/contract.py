"""schemas/openapi.yaml, as what a response is held against."""

import json
import pathlib

import yaml
from jsonschema import Draft202012Validator, RefResolver

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"
BASE = "https://heartbeat.invalid/v1/openapi.yaml"
DOCUMENT = yaml.safe_load((SCHEMAS / "openapi.yaml").read_text(encoding="utf-8"))
STORE = {BASE: DOCUMENT}
for path in SCHEMAS.glob("*.schema.json"):
    schema = json.loads(path.read_text(encoding="utf-8"))
    STORE[schema["$id"]] = schema
RESOLVER = RefResolver(BASE, DOCUMENT, STORE)
EVERYWHERE = {404: "no_such_path"}  # of no path, so described for all


def resolved(part):
    while "$ref" in part:
        part = RESOLVER.resolve(part["$ref"])[1]
    return part


def operations():
    """Path, method and description of each."""
    for path, item in DOCUMENT["paths"].items():
        for method in ("get", "post"):
            if method in item:
                yield path, method.upper(), item[method]


def parameters(path, operation):
    shared = DOCUMENT["paths"][path].get("parameters", [])
    return [resolved(parameter) for parameter in shared + operation.get("parameters", [])]


def template_of(target):
    """The path of the document that a request's target is of; None = of none."""
    path = target.partition("?")[0]
    if path in DOCUMENT["paths"]:
        return path
    segments = path.split("/")
    for template in DOCUMENT["paths"]:
        parts = template.split("/")
        if len(parts) == len(segments) and all(
                part == segment or (part == "{agent_id}" and segment)
                for part, segment in zip(parts, segments)):
            return template
    return None


def problem(schema, value):
    """What is wrong with a value by a schema of the document, or None."""
    error = next(Draft202012Validator(schema, resolver=RESOLVER).iter_errors(value), None)
    return error and f"{error.json_path}: {error.message}"[:2000]


def check(method, target, status, headers, body):
    """Fails where the document does not describe this response."""
    what = f"{method} {target}: {status}"
    if body[:1] == b"{":
        json.loads(body)  # whatever looks like JSON is
    template = template_of(target)
    if template is None:
        assert status in (400, 404, 414, 431, 429), what
        return
    item = DOCUMENT["paths"][template]
    operation = item.get({"HEAD": "get"}.get(method, method.lower()), item.get("get") or item["post"])
    described = operation["responses"].get(str(status))
    assert described is not None, f"{what} is not described; body: {body[:500]}"
    described = resolved(described)
    for name in ("WWW-Authenticate", "Allow", "ETag"):
        assert (name in described.get("headers", {})) == (name in headers), f"{what}: {name}"
    if method == "HEAD" or not described.get("content"):
        assert body == b"", what
        return
    kind = headers["Content-Type"].partition(";")[0]
    assert kind in described["content"], f"{what}: {kind}"
    if kind == "application/json":
        wrong = problem(described["content"][kind]["schema"], json.loads(body))
        assert wrong is None, f"{what}: {wrong}"


def check_stream_event(name, data):
    schemas = (DOCUMENT["paths"]["/api/heartbeat/stream"]["get"]["responses"]["200"]["content"]
               ["text/event-stream"]["x-events"])
    wrong = problem(schemas[name], data)
    assert wrong is None, f"event {name}: {wrong}"
