// The page of one agent's run (or of all its runs, where none is named): what it does, why the
// monitor thinks so, and what was said about it. Asked anew each second.
import { element, reconcile, setAttribute, setText } from "./element.js";
import { ask, Refused } from "./gateway.js";
import { alertLine } from "./timeline.js";
import { deadlineText, duration, many, moment, number, precise, runKey, stateOf, visible }
  from "./words.js";

const historyMax = 200, historyLimitMs = 120_000;
const unaskable = /^\.\.?$/;  // browsers take such parts out of a path, however they are written

export class RunPage {
  constructor({ refused }) {
    this.refused = refused;
    this.main = document.getElementById("run");
    this.agent = null;
  }

  // `run`: its id, or null for all of the agent; `back`: the address of the fleet.
  show(agent, run, back) {
    this.agent = agent;
    this.run = run;
    this.answeredTicks = performance.now();
    this.history = null;  // not read yet
    this.historyTrouble = "";  // why it could not be read
    this.historyDue = true;
    this.answer = null;
    this.leave();
    this.title = element("h1", { tabindex: -1, class: "data" }, visible(agent));
    this.state = element("p", { class: "run-state" }, "Asking…");
    this.runs = element("div", { class: "run-parts" });
    this.alertsNone = element("p", { class: "empty" });
    this.alerts = element("ol", { class: "alert-list", "aria-label": "Alerts of this agent" });
    this.main.replaceChildren(
      element("nav", { "aria-label": "Back" }, element("a", { href: back, class: "back" },
        "← All runs")),
      this.title, this.state, this.runs,
      element("section", { class: "panel" }, element("h2", {}, "Its alerts"), this.alertsNone,
        this.alerts));
    this.main.hidden = false;
    this.title.focus();
  }

  hide() {
    this.agent = null;
    this.leave();
    this.main.hidden = true;
    this.main.replaceChildren();
  }

  leave() {
    this.asking?.abort();
    this.askingHistory?.abort();
    this.asking = this.askingHistory = null;
  }

  // An alert was raised: what the state file says of this agent has changed.
  heard(alert) {
    if (alert.agent_id === this.agent && (this.run === null || alert.run_id === this.run)) {
      this.historyDue = true;
    }
  }

  // `keepsHistory`: the gateway may read a state file.
  async refresh(keepsHistory) {
    if (this.agent === null || this.asking) return;
    if (unaskable.test(this.agent)) {
      this.answeredTicks = performance.now();
      setText(this.state, "A browser cannot ask for an agent of this name, which is a step in an "
        + `address. This tells of it: hbctl why ${this.agent}`);
      return;
    }
    if (keepsHistory && this.historyDue && !this.askingHistory) this.askHistory();
    const asking = new AbortController();
    this.asking = asking;
    const path = `agents/${encodeURIComponent(this.agent)}`
      + (this.run === null ? "" : `?run_id=${encodeURIComponent(this.run)}`);
    try {
      const answer = await ask(path, {}, asking.signal);
      if (asking === this.asking) this.draw(answer);
    } catch (error) {
      if (asking !== this.asking) return;
      if (error instanceof Refused && error.code === "not_found") {
        this.draw({ runs: [], alerts: error.body.alerts ?? [], ended: error.body.error });
      } else {
        this.refused(error);
        if (error instanceof Refused && !this.answer) {
          setText(this.state, `The gateway cannot tell of this agent: ${error.message}.`);
        }
      }
    } finally {
      if (asking === this.asking) this.asking = null;
    }
  }

  // It is long in coming from a large file, and nothing waits for it. Other agents' alerts come along
  // where the id has a * or ? in it: they are globs there.
  async askHistory() {
    this.historyDue = false;
    const asking = new AbortController();
    this.askingHistory = asking;
    try {
      const { alerts } = await ask("history", { agent: this.agent, limit: 10_000 }, asking.signal,
        historyLimitMs);
      if (asking !== this.askingHistory) return;
      this.historyTrouble = "";
      this.history = alerts.filter((alert) => alert.agent_id === this.agent).slice(-historyMax);
    } catch (error) {
      if (asking !== this.askingHistory) return;
      if (error instanceof Refused && error.status !== 401) {
        this.historyTrouble = error.message;
      } else {
        this.historyDue = true;
        this.refused(error);
      }
    }
    this.askingHistory = null;
    if (this.answer) this.drawAlerts();
  }

  draw(answer) {
    this.answer = answer;
    this.answeredTicks = performance.now();
    this.drawState(answer);
    reconcile(this.runs, answer.runs, runKey, makeRun, (node, run) => drawRun(node, run));
    this.drawAlerts();
  }

  drawAlerts() {
    const known = new Map();
    for (const alert of [...this.history ?? [], ...this.answer.alerts]) {
      if (this.run !== null && alert.run_id !== this.run) continue;
      known.set(`${alert.epoch}/${alert.seq}`, alert);
    }
    const alerts = [...known.values()].sort((a, b) => a.raised_at - b.raised_at || a.seq - b.seq);
    reconcile(this.alerts, alerts.reverse(), (alert) => `${alert.epoch}/${alert.seq}`,
      (alert) => alertLine(alert, false), () => {});
    const reading = this.askingHistory && this.history === null;
    this.alertsNone.hidden = alerts.length > 0 && !this.historyTrouble && !reading;
    setText(this.alertsNone, this.historyTrouble ? `Older ones cannot be told: ${this.historyTrouble}.`
      : reading ? "Older ones are being read." : "None that are kept.");
  }

  drawState({ runs, ended, runs_truncated: truncated }) {
    setAttribute(this.state, "data-state", runs.length === 0 ? "ended"
      : runs.some((run) => run.stale) ? "stale" : runs[0].status);
    if (runs.length > 0) {
      const more = truncated ? "; there are more" : "";
      setText(this.state, runs.length === 1 ? stateText(runs[0]) : `${many(runs.length, "run")} in flight${more}`);
    } else if (ended?.ended_at) {
      const how = ended.ended_by === "timeout" ? "it was timed out"
        : `it said goodbye${ended.outcome ? ` with outcome ${visible(ended.outcome)}` : ""}`;
      const late = ended.zombie_events ? ` ${many(ended.zombie_events, "event")} of it came after that.` : "";
      setText(this.state, `Not in flight: it ended at ${moment(ended.ended_at)}, ${how}.${late}`);
    } else {
      setText(this.state, "Not in flight, and the monitor remembers no end of it.");
    }
  }
}

function stateText(run) {
  return run.stale
    ? `${stateOf(run)}: silent for ${duration(run.idle_for_ms)}, its limit is ${precise(run.stale_after_ms)}`
    : `${stateOf(run)}: last heard ${duration(run.idle_for_ms)} ago`;
}

function makeRun(run) {
  const node = element("section", { class: "panel run-part" },
    element("h2", { class: "data" }, run.run_id ? `Run ${visible(run.run_id)}` : "Its run"),
    element("div", { class: "meters" }, meter("Silence"), meter("Run")),
    element("dl", { class: "facts" }),
    element("h3", {}, "Why the monitor thinks so"), element("dl", { class: "why" }),
    element("h3", {}, "Last events"), element("ol", { class: "events" }));
  return node;
}

function meter(name) {
  return element("div", { class: "meter" }, element("b", {}, name), element("span", { class: "due" }),
    element("span", { class: "bar", "aria-hidden": "true" }, element("i")),
    element("span", { class: "muted from" }));
}

function drawRun(node, run) {
  setAttribute(node, "data-state", run.stale ? "stale" : run.status);
  const [silence, whole] = node.querySelectorAll(".meter");
  drawMeter(silence, run.idle_for_ms, run.stale_in_ms, run.stale_after_ms, run.stale_after_from,
    run.stale ? `stale: over its limit` : deadlineText({ which: "stale", in_ms: run.stale_in_ms }));
  drawMeter(whole, run.running_for_ms, run.timeout_in_ms, run.timeout_after_ms,
    run.timeout_after_from, deadlineText({ which: "timeout", in_ms: run.timeout_in_ms }));
  const facts = factsOf(run);
  reconcile(node.querySelector(".facts"), facts, ([name]) => name,
    ([name]) => element("div", {}, element("dt", {}, name), element("dd", { class: "data" })),
    (fact, [, text]) => setText(fact.lastChild, text));
  reconcile(node.querySelector(".why"), run.why.map((reason, i) => ({ ...reason, i })),
    ({ about, i }) => `${i} ${about}`,
    ({ about }) => element("div", {}, element("dt", {}, about), element("dd", { class: "data" })),
    (line, { text, severity }) => {
      setText(line.lastChild, visible(text));
      setAttribute(line, "data-severity", severity || null);
    });
  reconcile(node.querySelector(".events"), run.last_events, (event) => `${event.kind} ${event.read_at}`,
    () => element("li", { class: "data" }),
    (line, event) => setText(line,
      `${event.kind} ${duration(event.ago_ms)} ago, at ${moment(event.read_at)}`));
}

function drawMeter(node, used, left, limit, from, text) {
  const fraction = left > 0 ? Math.min(1, used / Math.max(1, limit)) : 1;
  setText(node.querySelector(".due"), text);
  const fill = node.querySelector("i");
  fill.style.width = `${fraction * 100}%`;
  setAttribute(fill, "data-level", left <= 0 ? "over" : fraction >= 0.8 ? "near" : null);
  setText(node.querySelector(".from"), `${duration(used)} of ${precise(limit)} (limit from ${from})`);
}

function factsOf(run) {
  const facts = [
    ["Task", visible(run.task_id) || "none named"],
    ["Type", visible(run.agent_type) || "none named"],
    ["Phase", visible(run.phase) || "none named"],
    ["Detail", visible(run.detail)],
    ["Progress", run.progress ? number(run.progress) : ""],
    ["Running since", `${moment(run.started_at)}${run.adopted ? " (a guess: its start was not heard)" : ""}`],
    ["Last activity", moment(run.last_activity_at)],
    ["Events lost after its last one", run.source ? number(run.lost_events)
      : "not known: its events name no source"],
    ["Rejected events", run.rejected_events ? number(run.rejected_events) : ""],
    ["Late events of an earlier run", run.zombie_events ? number(run.zombie_events) : ""],
    ["Monitor was blind for", run.blind_ms ? precise(run.blind_ms) : ""],
    ["Source", run.source ? `${visible(run.source)}, event ${number(run.seq)}` : ""],
    ["Episode", visible(run.episode)],
    ["Storm", visible(run.storm)],
  ];
  return facts.filter(([, text]) => text !== "");
}
