// Joins the stream, the table, who needs attention, the alerts and the page of one run: what comes
// goes to whom it concerns, and the address says which part is shown.
import { AlertLog } from "./alerts.js";
import { Announcer } from "./announcer.js";
import { Attention, notKnown } from "./attention.js";
import { element, setAttribute, setText } from "./element.js";
import { ask, Refused, tokenUsed } from "./gateway.js";
import { Health } from "./health.js";
import { Monitor } from "./monitor.js";
import { RunPage } from "./run.js";
import { SignIn } from "./sign_in.js";
import { Stream } from "./stream.js";
import { RunTable } from "./table.js";
import { Timeline } from "./timeline.js";
import { kindWords, many, runAddress, visible } from "./words.js";

const refreshMs = 1000;
const refreshGapMs = 250;  // however many alerts come
const drawGapMs = 50;
const rowsOldMs = 5000;    // rows that were not asked for so long are not shown as current
const typesMs = 15_000;
const attentionRows = 50;
const keptAsked = 500, keptMax = 1000;  // more where some were raised meanwhile
const announcedMax = 20;

const byId = (id) => document.getElementById(id);

const log = new AlertLog();
const stream = new Stream({ events: heard, refused });
const monitor = new Monitor(stream);
const health = new Health(monitor);
const announcer = new Announcer();
const timeline = new Timeline(log);
const attention = new Attention(log, {
  showStale: () => choose({ status: "stale", search: "", agent_type: "" }),
});
const table = new RunTable({
  changed: choose,
  open: (run) => { location.hash = runAddress(run); },
  answered: draw,
  refused,
});
const runPage = new RunPage({ refused });
const signIn = new SignIn(() => stream.restart());

// ---- what the stream brings

function heard(events) {
  const alerts = [];
  for (const { event, data } of events) {
    if (event === "status") takeStatus(data);
    else if (event === "alert") alerts.push(data);
    else if (event === "lost") log.lost(data.lost, monitor.now());
    else if (event === "restarted") takeRestart(data);
  }
  if (alerts.length > 0) {
    const fresh = log.takeStreamed(alerts, performance.now());
    for (const alert of fresh) runPage.heard(alert);
    for (const alert of fresh.slice(-announcedMax)) {
      announcer.say(`${kindWords[alert.kind] ?? alert.kind}. ${visible(alert.message)}.`);
    }
    refresh();
  }
  drawSoon();
}

function takeStatus(data) {
  const wasSilent = monitor.silent !== null, wasGone = monitor.gone(), before = monitor.status;
  monitor.take(data);
  health.sample();
  if (wasGone !== monitor.gone()) {
    announcer.say(wasGone ? "The monitor answers again." : "The monitor does not answer.");
  }
  if (!data.reachable) return;
  if (log.epoch === null) log.begin(data.epoch);
  takeRestart(data);
  if (!timeline.asked) askKept(data);
  if (before === null) askTypes();
  if (before === null || wasSilent) refresh();
}

// A status tells of it as well as the stream's own event, which comes only with the first alert of
// the fresh monitor: there may be none for long.
function takeRestart({ epoch }) {
  if (epoch === log.epoch) return;
  log.begin(epoch);
  log.note("Another epoch of the monitor: it was restarted without its state, or cannot write it.", monitor.now());
  attention.forget();
  refresh();
}

// The alerts from before this page was opened: once, and again with the next status if that failed.
let asksKept = false;

async function askKept({ epoch, alert_seq: last }) {
  if (asksKept) return;
  asksKept = true;
  const { ticks } = monitor;  // that status counts what they settled
  try {
    const kept = await ask("alerts", { since_seq: Math.max(0, last - keptAsked), epoch, limit: keptMax });
    if (kept.epoch !== log.epoch) return;  // another monitor by now: its status is to come
    log.takeKept(kept.alerts, ticks);
    stream.resumeAfter(`${kept.epoch}/${Math.max(log.last, last)}`);
    timeline.asked = true;
    health.seed(kept.alerts);
  } catch (error) {
    refused(error);
  } finally {
    asksKept = false;
  }
  draw();
}

// ---- what is asked for, again and again, while somebody looks

let refreshedTicks = -refreshGapMs, refreshTimer = null, asksAttention = false;

function refresh() {
  if (refreshTimer !== null) return;
  const wait = Math.max(0, refreshedTicks + refreshGapMs - performance.now());
  refreshTimer = setTimeout(() => {
    refreshTimer = null;
    if (document.hidden || signIn.asks() || !monitor.current()) return;
    refreshedTicks = performance.now();
    if (runPage.agent !== null) {
      runPage.refresh(monitor.status.history !== false);
    } else {
      table.refresh();
      askAttention();
    }
  }, wait);
}

async function askAttention() {
  if (asksAttention) return;
  asksAttention = true;
  try {
    const { agents, age_ms: age, truncated } = await ask("ranking",
      { sort: "attention", limit: attentionRows });
    attention.listed(agents, performance.now() - age, truncated);
    learnTypes(agents.map((run) => run.agent_type));
    draw();
  } catch (error) {
    refused(error);
  } finally {
    asksAttention = false;
  }
}

// The types of agents: the monitor's counters name the most frequent; others are learnt as they are
// seen.
const types = new Set();

async function askTypes() {
  if (document.hidden || signIn.asks() || !monitor.current()) return;
  try {
    const { counters } = await ask("counters");
    const labels = Object.keys(counters).map((name) =>
      /^runs_by_type\{agent_type="((?:[^"\\]|\\.)*)"/.exec(name)?.[1] ?? "none");
    learnTypes(labels.filter((label) => label !== "none" && label !== "other")
      .map((label) => label.replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c))));
  } catch (error) {
    refused(error);
  }
}

function learnTypes(names) {
  const before = types.size;
  for (const name of names) if (name) types.add(name);
  if (types.size === before) return;
  byId("type").replaceChildren(element("option", { value: "" }, "all"),
    ...[...types].sort().map((type) => element("option", { value: type }, visible(type))));
  byId("type").value = table.query.agent_type;
}

// Whatever else fails is asked again, and the stream tells why.
function refused(error) {
  if (error instanceof Refused && (error.status === 401 || error.status === 403)) {
    signIn.ask(error);
    draw();
  }
}

// ---- drawing

let drawTimer = null;

function drawSoon() {
  drawTimer ??= setTimeout(draw, drawGapMs);
}

function draw() {
  clearTimeout(drawTimer);
  drawTimer = null;
  const believed = monitor.current();
  const until = monitor.agesUntil();
  document.body.classList.toggle("old", !believed && monitor.status !== null);
  const answered = runPage.agent === null ? Math.min(table.answeredTicks, attention.answeredTicks)
    : runPage.answeredTicks;
  document.body.classList.toggle("rows-old", performance.now() - answered > rowsOldMs);
  health.draw();
  attention.draw(monitor, believed && attention.listedTicks !== null ? "" : notKnown);
  table.draw(until);
  timeline.draw();
  drawFilters();
  const place = runPage.agent === null ? "Heartbeat" : `${visible(runPage.agent)} · Heartbeat`;
  const sign = monitor.status === null && monitor.silent === null ? "" : !believed ? "No news! · "
    : attention.counted && `${attention.counted} `;
  document.title = sign + place;
}

function drawFilters() {
  const { search, status, agent_type: type } = table.query;
  const filtered = Boolean(search || status || type);
  byId("clear").hidden = !filtered;
  for (const button of document.querySelectorAll("button.figure")) {
    setAttribute(button, "aria-pressed", String(status === button.dataset.status));
  }
  byId("no-match").hidden = !(table.total === 0 && filtered);
  byId("no-runs").hidden = !(table.total === 0 && !filtered);
  const sign = tokenUsed() ? "-H 'Authorization: Bearer TOKEN' " : "";
  setText(byId("first"), `curl ${sign}${new URL("ping/my-agent", location.href.split("#")[0])}`);
}

// ---- which part is shown: #/?search=…&status=… or #/agent/ID?run=RUN

const filters = ["search", "status", "agent_type", "sort"];
let fleetAddress = null;  // where the page of a run was opened from
let fleetScroll = 0;

function choose(query) {
  const next = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...table.query, search: byId("search").value, ...query })) {
    if (value && !(name === "sort" && value === "attention")) next.set(name, value);
  }
  const text = next.toString();
  history.replaceState(null, "", text ? `#/?${text}` : "#/");
  route();
}

function showAll() {
  choose({ search: "", status: "", agent_type: "" });
  byId("search").focus();
}

function route() {
  const [path, query = ""] = location.hash.slice(1).split("?");
  const parameters = new URLSearchParams(query);
  const agent = decoded(/^\/agent\/(.+)$/.exec(path)?.[1] ?? "");
  if (agent) showRun(agent, parameters.get("run"));
  else showFleet(parameters);
  refresh();
  draw();
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

function showRun(agent, run) {
  if (runPage.agent === null) fleetScroll = table.grid.scrollTop;
  byId("fleet").hidden = true;
  runPage.show(agent, run, fleetAddress || "#/");
  scrollTo(0, 0);
}

function showFleet(parameters) {
  fleetAddress = location.hash;
  if (runPage.agent !== null) {
    runPage.hide();
    byId("fleet").hidden = false;
    table.grid.scrollTop = fleetScroll;
    table.grid.focus({ preventScroll: true });
  }
  const query = Object.fromEntries(filters.map((name) => [name, parameters.get(name) ?? ""]));
  query.sort ||= "attention";
  const changed = filters.some((name) => query[name] !== table.query[name]);
  if (byId("search").value !== query.search) byId("search").value = query.search;
  byId("status").value = query.status;
  learnTypes([query.agent_type]);
  byId("type").value = query.agent_type;
  const sort = byId("sort");
  const column = query.sort.replace("-", "");
  sort.value = [...sort.options].find((option) => option.value.replace("-", "") === column)?.value ?? "attention";
  if (changed) table.ask(query);
}

function goBack() {
  if (fleetAddress !== null) history.back();
  else location.hash = "#/";
}

// ---- keys and controls

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || signIn.asks()) return;
  const typing = event.target.matches("input, select, textarea");
  if (event.key === "Escape") {
    if (runPage.agent !== null) goBack();
    else if (typing) leave(event.target);
  } else if (!typing && runPage.agent === null) {
    if (event.key === "/") {
      event.preventDefault();
      byId("search").focus();
      byId("search").select();
    } else if (event.key === "j" || event.key === "k") {
      table.move(event.key === "j" ? 1 : -1);
    }
  }
});

let searchTimer = null;

function leave(field) {
  clearTimeout(searchTimer);
  if (field === byId("search") && field.value) choose({ search: "" });
  else table.grid.focus();
}

byId("search").addEventListener("input", (event) => {
  clearTimeout(searchTimer);
  searchTimer = setTimeout(() => choose({ search: event.target.value }), 150);
});
byId("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === "ArrowDown") {
    event.preventDefault();
    table.move(-Infinity);
  }
});
for (const [id, name] of [["status", "status"], ["type", "agent_type"], ["sort", "sort"]]) {
  byId(id).addEventListener("change", (event) => choose({ [name]: event.target.value }));
}
byId("clear").addEventListener("click", showAll);
byId("show-all").addEventListener("click", showAll);
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  (runPage.agent === null ? table.grid : runPage.title).focus();
});
for (const button of document.querySelectorAll("button.figure")) {
  button.addEventListener("click", () => choose({ status: button.dataset.status }));
}

document.addEventListener("visibilitychange", () => {
  refresh();
  draw();
});
addEventListener("hashchange", route);
setInterval(() => {
  refresh();
  draw();
}, refreshMs);
setInterval(askTypes, typesMs);
route();
stream.restart();
