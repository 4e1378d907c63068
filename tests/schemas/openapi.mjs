// schemas/openapi.yaml is valid by a linter of OpenAPI 3.1, its schemas take what the golden vectors
// say, and its limits and names are those of the sources. Exit code 1 names whatever failed.
//
// Needs what package.json names: npm ci --ignore-scripts, in this folder (tools/test does it).
import { readdirSync } from "node:fs";
import { createConfig, lint } from "@redocly/openapi-core";
import Ajv2020 from "ajv/dist/2020.js";
import yaml from "js-yaml";
import { equal, failures, report, root, sorted, text } from "./checks.mjs";

const json = (path) => JSON.parse(text(path));
const golden = (name) => json(`schemas/golden/${name}.json`);
const source = text("schemas/openapi.yaml");
const document = yaml.load(source);
const { parameters, responses, schemas } = document.components;

async function checkForm() {
  const config = await createConfig({
    extends: ["recommended-strict"],
    rules: { "no-unused-components": "off" }, // it does not look into x-events; the next check does
  });
  const problems = await lint({ ref: `${root}schemas/openapi.yaml`, config });
  equal("what the linter says", problems.map(({ ruleId, message, location }) =>
    `${ruleId} at ${location[0]?.pointer}: ${message}`), []);
  for (const [kind, named] of Object.entries(document.components)) {
    if (kind === "securitySchemes") continue;
    for (const name of Object.keys(named)) {
      equal(`${kind}/${name} is used`, source.includes(`'#/components/${kind}/${name}'`), true);
    }
  }
}

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  ["get", "post"].filter((method) => item[method]).map((method) => [path, method, item[method]]));

const resolved = (response) => response.$ref ? responses[response.$ref.split("/").pop()] : response;
const codesOf = (schema) => {
  if (schema.$ref === "#/components/schemas/agent_not_found") return ["not_found"];
  if (schema.$ref === "#/components/schemas/rejected") return ["rejected"];
  const { code } = schema.allOf[1].properties.error.properties;
  return code.enum ?? [code.const];
};

// Each failure says by which codes it is told; each path says what every path can say.
function checkErrors() {
  for (const [path, method, operation] of operations) {
    const statuses = Object.keys(operation.responses);
    for (const status of ["405", "429", "431"]) {
      equal(`${method} ${path}: ${status}`, statuses.includes(status), true);
    }
    const guarded = operation.security === undefined;
    equal(`${method} ${path}: 401 and 403`, ["401", "403"].map((s) => statuses.includes(s)),
      [guarded, guarded]);
    for (const status of statuses.filter((each) => each >= "400")) {
      const { schema } = resolved(operation.responses[status]).content["application/json"];
      equal(`${method} ${path}: ${status} has codes`, codesOf(schema).length > 0, true);
    }
  }
}

const ajv = new Ajv2020({ strict: false, validateFormats: false });
const base = "https://heartbeat.invalid/v1/openapi.yaml";
for (const name of readdirSync(`${root}schemas`).filter((each) => each.endsWith(".schema.json"))) {
  ajv.addSchema(json(`schemas/${name}`));
}
ajv.addSchema(document, base, undefined, false);
const errorsOf = (name, value) => {
  const accepts = ajv.getSchema(`${base}#/components/schemas/${name}`);
  accepts(value);
  return accepts.errors;
};

// A reply as the gateway passes it on.
const passed = ({ v, ok, ...rest }) => ({ success: ok, ...rest });
const without = (value, ...keys) =>
  Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));

function samples() {
  const status = golden("reply-status-agents");
  const online = without(passed(status), "counts", "health");
  online.monitor = without(online.monitor, "agents_truncated");
  const alerts = ["stale", "resolved"].map((kind) => without(golden(`alert-${kind}`), "v"));
  const detail = golden("reply-agent-runs");
  const beat = golden("beat");
  const why = [{ about: "verdict", text: "fresh", severity: "" }];
  const refused = { success: false, error: { code: "rejected", message: "1 of 1" } };
  return {
    success: { success: true },
    error: { success: false, error: { code: "bad_argument", message: "limit: got '0'" } },
    status_online: online,
    status_offline: {
      success: true, status: "offline", message: "the monitor does not answer",
      monitor: { running: false, agents_monitoring: 0, agents: [], config: null },
      in_flight_agents: [], timestamp: status.timestamp,
    },
    agents: passed(golden("reply-agents-page")),
    ranking: {
      success: true, total: 1, listed: 1, truncated: false, listed_at: 1, age_ms: 0,
      agents: golden("reply-agents-page").agents,
    },
    agent: { ...passed(detail), runs: detail.runs.map((run) => ({ ...run, why })), alerts },
    agent_not_found: { ...passed(golden("reply-error-not-found-ended")), alerts },
    alerts: { ...passed(golden("reply-alerts-page")), alerts },
    alert: alerts[0],
    history: { success: true, alerts },
    counters: passed(golden("reply-counters-some")),
    stream_status: {
      at: 1, reachable: true, history: false, alerts_heard: true, ...without(beat, "v", "sent_at"), ...status.counts,
      version: status.health.version, ingest_lag_ms: 0, storm: "", events_received_total: 7,
    },
    stream_silence: { at: 1, reachable: false, message: "no answer", since: null },
    stream_lost: { lost: 1 },
    stream_restarted: { epoch: beat.epoch },
    event: without(golden("event-register-full"), "v", "source", "seq"),
    events: golden("event-batch").map((event) => without(event, "source", "seq")),
    read: { success: true, read: 1 },
    rejected: { ...refused, rejected: [{ index: 0, reason: "too_long", message: "agent_id" }] },
  };
}

// Every schema of a whole takes its sample, and refuses it where anything that it asks for is absent.
function checkSchemas() {
  const parts = ["row", "reason", "alerts_of_agent"];
  const wholes = samples();
  equal("a sample of every schema", Object.keys(wholes).sort(),
    Object.keys(schemas).filter((name) => !parts.includes(name)).sort());
  for (const [name, sample] of Object.entries(wholes)) {
    equal(`${name}: its sample`, errorsOf(name, sample), null);
    for (const key of schemas[name].required ?? []) {
      equal(`${name} without ${key}`, errorsOf(name, without(sample, key)) === null, false);
    }
    equal(`${name}: a number`, errorsOf(name, 7) === null, false);
  }
  const refuses = (name, what, change) =>
    equal(`${name}: ${what}`, errorsOf(name, { ...wholes[name], ...change }) === null, false);
  refuses("status_online", "the truncation of before",
    { monitor: { ...wholes.status_online.monitor, agents_truncated: false } });
  refuses("status_online", "a row without its agent",
    { in_flight_agents: [without(wholes.agents.agents[0], "agent_id")] });
  refuses("agent", "a run without why", { runs: [without(wholes.agent.runs[0], "why")] });
  refuses("agent", "51 alerts", { alerts: Array(51).fill(wholes.agent.alerts[0]) });
  refuses("agent_not_found", "another code", { error: { code: "internal", message: "x" } });
  refuses("history", "an alert without its seq", { alerts: [without(wholes.history.alerts[0], "seq")] });
  refuses("counters", "a negative", { counters: { runs_stale: -1 } });
  refuses("rejected", "another reason", { rejected: [{ index: 0, reason: "dull", message: "x" }] });
  refuses("event", "another kind", { kind: "dance" });
  refuses("event", "another version", { v: 2 });
  equal("1025 events", errorsOf("events", Array(1025).fill(wholes.event)) === null, false);
  equal("no event", errorsOf("events", []) === null, false);
}

const gateway = readdirSync(`${root}tools/hbgate`).filter((name) => /\.[ch]pp$/.test(name))
  .map((name) => text(`tools/hbgate/${name}`)).join("\n");

const number = (where, pattern) => {
  const found = where.match(pattern);
  if (!found) {
    failures.push(`nothing in the sources matches ${pattern}`);
    return NaN;
  }
  const factors = found[1].replaceAll("'", "").split("*").map(Number);
  return factors.reduce((product, factor) => product * factor);
};

function checkConstants() {
  const { limit } = parameters;
  const bounds = ["limit_default", "limit_max"].map((name) =>
    number(text("include/heartbeat/status.hpp"), new RegExp(`${name} = ([\\d']+)`)));
  equal("limit", [limit.schema.default, limit.schema.minimum, limit.schema.maximum],
    [bounds[0], 1, bounds[1]]);
  equal("events in a request", schemas.events.oneOf[1].maxItems,
    number(text("include/heartbeat/event.hpp"), /batch_max = ([\d']+)/));
  const [, reasons] = text("include/heartbeat/event.hpp").match(/struct Names<Rejection> \{(.*?)\n\};/s);
  equal("reasons", schemas.rejected.allOf[1].properties.rejected.items.properties.reason.enum,
    [...reasons.matchAll(/"(\w+)"/g)].map(([, reason]) => reason));
  const { properties } = json("schemas/event.schema.json");
  equal("the event's keys", Object.keys(schemas.event.properties),
    Object.keys(properties).filter((key) => key !== "source" && key !== "seq"));
  equal("the alert's keys", Object.keys(schemas.alert.properties),
    Object.keys(json("schemas/alert.schema.json").properties).filter((key) => key !== "v"));
  equal("states", parameters.status.schema.enum,
    json("schemas/request-agents.schema.json").properties.status.enum.filter((each) => each));
  equal("glob", parameters.agent.schema.maxLength,
    json("schemas/request-agents.schema.json").properties.agent.maxLength);
}

// The paths, methods and rights of the gateway's table of routes.
function checkRoutes() {
  const [, table] = gateway.match(/std::vector<Route> table\{\n(.*?)\n    \};/s);
  const methods = { get: ["get"], post: ["post"], both: ["get", "post"] };
  const routes = [...table.matchAll(/\{(\w+), \{(.*?)\}, Right::(\w+),/g)]
    .flatMap(([, kind, path, right]) => methods[kind].map((method) =>
      `${method} /${path.replaceAll('"', "").split(", ").join("/")} ${right}`));
  const right = { read: "read", write: "write", operation: "read", page: "none" };
  const described = operations.map(([path, method, { tags: [tag], security }]) =>
    `${method} ${path.replace("{agent_id}", "*")} ${security ? "none" : right[tag]}`);
  equal("routes", described.sort(), routes.sort());
}

// Whatever the gateway refuses is described with its status and its code.
function checkRefusals() {
  const described = new Set(["404 no_such_path"]); // of no path, so in the description of all
  for (const [, , operation] of operations) {
    for (const status of Object.keys(operation.responses).filter((each) => each >= "400")) {
      const { schema } = resolved(operation.responses[status]).content["application/json"];
      for (const code of codesOf(schema)) described.add(`${status} ${code}`);
    }
  }
  const said = [...gateway.matchAll(/refuse\(\s*(\d+),\s*"(\w+)"/g)]
    .map(([, status, code]) => `${status} ${code}`);
  equal("refusals were found", said.length > 15, true);
  equal("refusals that are not described", sorted(said).filter((each) => !described.has(each)), []);
  // not_found, ended, rejected and the monitor's own codes are not said by refuse().
  const elsewhere = ["403 forbidden", "404 not_found", "409 ended", "422 rejected"];
  equal("codes that nothing says", [...described].filter((each) =>
    !said.includes(each) && !each.startsWith("502 ") && !elsewhere.includes(each)), []);
}

function checkGatewayConstants() {
  const inDescription = (what, value) =>
    equal(`${what}: ${value}`, source.includes(value.toLocaleString("en-US")), true);
  const [, listen] = text("tools/hbgate/options.hpp").match(/listen = "([^"]+)"/);
  equal("server", document.servers.map(({ url }) => url), [`http://${listen}`]);
  inDescription("header", number(gateway, /header_bytes_max = ([\d '*]+)/));
  inDescription("body", number(gateway, /body_bytes_max = ([\d '*]+)/));
  inDescription("requests a second", number(gateway, /per_second = ([\d']+)/));
  inDescription("runs in a listing", number(gateway, /rows_max = ([\d']+)/));
  equal("alerts of an agent", schemas.alerts_of_agent.maxItems,
    number(gateway, /alerts_max = ([\d']+)/));
  const ranking = Object.fromEntries(
    document.paths["/api/heartbeat/ranking"].get.parameters.map((each) => [each.name, each.schema]));
  equal("ranking: limit", ranking.limit, {
    type: "integer", minimum: 1, maximum: number(gateway, /rows\{1, ([\d']+)\}/),
    default: number(text("tools/hbgate/listing.hpp"), /limit = ([\d']+)/),
  });
  const columns = [...text("tools/hbgate/listing.cpp").matchAll(/^    \{"(\w+)",/gm)];
  equal("columns", sorted(ranking.sort.pattern.match(/[a-z_]+/g)),
    sorted(["attention", ...columns.map(([, name]) => name)]));
}

await checkForm();
// Each step stands on the one before: what does not resolve cannot be looked at.
for (const check of [checkErrors, checkSchemas, checkConstants, checkRoutes, checkRefusals,
  checkGatewayConstants]) {
  if (failures.length === 0) check();
}
report();
