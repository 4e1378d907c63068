// schemas/asyncapi.yaml is valid by AsyncAPI's own parser, and agrees with the protocol's page, the
// JSON Schemas, the golden vectors and the C++ headers. Exit code 1 names whatever failed.
//
// Needs what package.json names: npm ci --ignore-scripts, in this folder (tools/test does it).
import { readdirSync } from "node:fs";
import { fromFile, Parser } from "@asyncapi/parser";
import Ajv2020 from "ajv/dist/2020.js";
import yaml from "js-yaml";
import { equal, failures, report, root, sorted, text } from "./checks.mjs";

const page = text("schemas/README.md");
const source = yaml.load(text("schemas/asyncapi.yaml"));

const ids = (those) => those.all().map((one) => one.id());

async function parsed() {
  const file = fromFile(new Parser(), root + "schemas/asyncapi.yaml");
  const { document, diagnostics } = await file.parse();
  // 3.0 on purpose: more tools read it than 3.1, and nothing that is new in 3.1 is used.
  const said = diagnostics.filter(({ code }) => code !== "asyncapi-latest-version")
    .map(({ path, message }) => `${path.join(".")}: ${message}`);
  equal("what the parser says", said, []);
  return document;
}

// Each server is a row of the page's table of sockets, with the address that the headers name.
function checkServers(document) {
  const headers = text("include/heartbeat/endpoints.hpp");
  const row = new RegExp(String.raw`^\| (\w+) \| binds (\w+) \| connects (\w+)` +
    String.raw`(?: or (\w+)|.*?(DEALER))?.*\| ${"`(tcp:[^`]+)`"} \|$`, "gm");
  const rows = [...page.matchAll(row)];
  equal("servers", ids(document.servers()), rows.map((found) => found[1]));
  for (const [, name, bind, connect, or, dealer, endpoint] of rows) {
    const server = document.servers().get(name);
    equal(`${name}: address`, `tcp://${server.host()}`, endpoint);
    equal(`${name}: header`, headers.match(`string ${name} = "([^"]+)"`)?.[1], endpoint);
    equal(`${name}: protocol`, server.protocol(), "zmq");
    equal(`${name}: sockets`, server.extensions().get("x-zmq").value(),
      { bind, connect: [connect, or ?? dealer].filter(Boolean) });
  }
}

// Which way, on which socket, under which topic, with which messages, and with which for an answer.
function expectedOperations() {
  const expected = {
    event: ["receive", "events", "event", ["event", "event-batch"], []],
    "event-of-agent":
      ["receive", "events", "event.<agent_id>", ["event", "event-batch"], []],
    alert: ["send", "alerts", "alert.<severity>.<kind>.<agent_id>", ["alert"], []],
    beat: ["send", "alerts", "monitor.beat", ["beat"], []],
  };
  for (const [, cmd] of text("include/heartbeat/status.hpp").matchAll(/ cmd = "(\w+)"/g)) {
    equal(`${cmd}: the page's row`, page.includes(`\n| \`${cmd}\` | `), true);
    expected[cmd] =
      ["receive", "status", null, [`request-${cmd}`], [`reply-${cmd}`, "reply-error"]];
  }
  return expected;
}

function checkOperations(document) {
  const expected = expectedOperations();
  const operations = document.operations().all();
  equal("operations", sorted(ids(document.operations())), sorted(Object.keys(expected)));
  for (const operation of operations) {
    const id = operation.id();
    const [channel] = operation.channels().all();
    const topic = channel.address()?.replace(/\{(\w+)\}/g, "<$1>") ?? null;
    const reply = operation.reply();
    const replies = reply ? ids(reply.messages()) : [];
    equal(id, [operation.action(), ...ids(channel.servers()), topic, ids(operation.messages()),
      replies], expected[id]);
    equal(`${id}: the page's topic`, topic === null || page.includes(`\`${topic}\``), true);
    equal(`${id}: frames`, channel.extensions().get("x-zmq").value().frames,
      topic === null ? ["payload"] : ["topic", "payload"]);
    if (reply) equal(`${id}: the reply's channel`, reply.channel().id(), channel.id());
  }
  const used = operations.flatMap((operation) => ids(operation.channels()));
  equal("channels", sorted(ids(document.channels())), sorted(used));
  const offered = document.channels().all().flatMap((channel) => ids(channel.messages()));
  equal("messages on channels", sorted(offered), sorted(Object.keys(source.components.messages)));
}

// event-idle.json is an event, request-agents-default.json a request-agents.
function messageOf(vector) {
  const name = vector.replace(".json", "");
  const words = name.split("-");
  if (name === "event-batch") return name;
  return ["request", "reply"].includes(words[0]) ? words.slice(0, 2).join("-") : words[0];
}

// What the parser made of a message's schema takes the golden vectors of that message.
function checkPayload(document, name, vectors) {
  const { schema } = document.components().messages().get(name).payload().json();
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  if (!ajv.validateSchema(schema)) {
    failures.push(`${name}: ${ajv.errorsText()}`);
    return;
  }
  const accepts = ajv.compile(schema);
  equal(`${name}: has vectors`, vectors.length > 0, true);
  for (const vector of vectors) {
    accepts(JSON.parse(text(`schemas/golden/${vector}`)));
    equal(`${name}: ${vector}`, accepts.errors, null);
  }
  equal(`${name}: an empty map`, accepts({}), false);
}

function checkMessages(document) {
  const parts = ["run-detail", "run-row"];
  const files = readdirSync(root + "schemas").filter((name) => name.endsWith(".schema.json"))
    .map((name) => name.replace(".schema.json", ""));
  const { messages } = source.components;
  equal("messages", sorted([...Object.keys(messages), ...parts]), sorted(files));
  const vectors = readdirSync(root + "schemas/golden")
    .filter((name) => name.endsWith(".json") && !name.startsWith("event-rejected-"));
  for (const [name, { payload }] of Object.entries(messages)) {
    equal(`${name}: payload`, payload, {
      schemaFormat: "application/schema+json;version=draft-2020-12",
      schema: { $ref: `./${name}.schema.json` },
    });
    checkPayload(document, name, vectors.filter((vector) => messageOf(vector) === name));
  }
}

// The parts of an alert's topic have the values that the page's rows name.
function checkParameters() {
  const { severity, kind } = source.channels.alert.parameters;
  for (const [key, values] of Object.entries({ severity: severity.enum, kind: kind.examples })) {
    const [, told] = page.match(new RegExp(`^\\| \`${key}\` \\| str \\| (\`[^.|]*)`, "m"));
    equal(`alert.${key}`, values, [...told.matchAll(/`([a-z]+)`/g)].map(([, word]) => word));
  }
}

const document = await parsed();
if (document) {
  for (const check of [checkServers, checkOperations, checkMessages, checkParameters]) {
    check(document);
  }
}
report();
