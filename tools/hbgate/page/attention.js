// Who needs attention, first: what concerns the whole fleet, then silent runs, then those that were
// timed out and are in no listing any more, then those that are close to a deadline.
import { element, reconcile, setAttribute, setText } from "./element.js";
import { deadlineOf, deadlineText, duration, kindWords, many, moment, nearFraction, number,
  precise, runAddress, runKey, visible } from "./words.js";

const shownMax = { stale: 8, timeout: 5, near: 4 };
const shownInStorm = 3;  // they are told as one
const timeoutShownMs = 10 * 60_000;
// A listing takes a moment to be read; an alert heard so shortly before it may be missing there.
const listingSlackMs = 400;
const dismissedMax = 500;
export const notKnown = "Not known yet.";

export class Attention {
  constructor(log, { showStale }) {
    this.log = log;
    this.rows = [];
    this.listedTicks = null;
    this.answeredTicks = performance.now();
    this.showStale = showStale;
    this.list = document.getElementById("attention-list");
    this.title = document.getElementById("attention-title");
    this.none = document.getElementById("attention-none");
    this.dismissed = new Set(JSON.parse(sessionStorage.getItem("dismissed") ?? "[]"));
    this.counted = "";  // how many, in brackets
  }

  // The most urgent rows, as of `ticks`; `truncated`: of a listing that lacks runs.
  listed(rows, ticks, truncated) {
    this.rows = rows;
    this.listedTicks = ticks;
    this.answeredTicks = performance.now();
    this.log.listedAt(ticks - listingSlackMs, truncated);
  }
  // Another monitor, which knows nothing of these.
  forget() {
    this.rows = [];
    this.listedTicks = null;
  }

  dismiss(id) {
    this.dismissed.add(id);
    sessionStorage.setItem("dismissed", JSON.stringify([...this.dismissed].slice(-dismissedMax)));
  }

  // Ages grow as long as `monitor` is believed. `unknown`: what to say where there is nothing to show
  // and that means nothing.
  draw(monitor, unknown) {
    const { status } = monitor;
    const groups = this.groups(status, monitor.now(), monitor.agesUntil());
    const listed = groups.stale.length;
    const missing = status === null || this.listedTicks === null ? 0
      : Math.max(0, status.stale - this.log.settledSince(monitor.ticks) - listed);
    const count = groups.fleet.length + listed + missing + groups.timeout.length;
    const over = groups.timeout.length > 0 && monitor.now() - this.log.timeoutsFrom < timeoutShownMs
      ? "over " : "";
    this.counted = count ? `(${over}${number(count)})` : "";
    const items = [...groups.fleet];
    const show = (name, count, max) => {
      items.push(...groups[name].slice(0, max));
      const hidden = count - max;
      if (hidden > 0) items.push({ key: `more ${name}`, more: name, hidden, over });
    };
    const staleMax = groups.fleet.length ? shownInStorm : shownMax.stale;
    // Where all rows that were asked for are stale, the listing has more.
    const asked = this.rows.at(-1)?.stale;
    show("stale", asked ? listed + missing : listed, staleMax);
    if (missing > 0 && !asked) items.push({ key: "unlisted", text: unlistedText(missing) });
    show("timeout", groups.timeout.length, shownMax.timeout);
    items.push(...groups.near.slice(0, shownMax.near));
    reconcile(this.list, items, (item) => item.key, (item) => this.make(item), update);
    setText(this.title, `Needs attention ${this.counted}`.trim());
    this.none.hidden = items.length > 0;
    setText(this.none, unknown || (status.stale > 0 ? notKnown : status.agents_monitoring === 0
      ? "Nobody: there are no runs." : "Nobody. All runs were heard in time."));
  }

  groups(status, now, ticks) {
    const passed = Math.max(0, ticks - (this.listedTicks ?? ticks));
    const fleet = [], stale = [], near = [], listed = new Set();
    for (const alert of this.log.capacity.values()) fleet.push(ofFleet(alert));
    for (const storm of this.log.storms.values()) {
      if (!storm.ended) fleet.push(ofFleet(storm.alert));
    }
    if (status?.storm && !fleet.some((item) => item.key === status.storm)) {
      fleet.push({ key: status.storm, kind: "storm", text: "Many runs fell silent together. "
        + "Look first at what they share: network, host, provider." });
    }
    for (const row of this.rows) {
      if (this.log.settled.has(runKey(row))) continue;
      if (row.stale) {
        stale.push(ofStaleRow(row, passed));
        listed.add(runKey(row));
      } else if (deadlineOf(row, passed).fraction >= nearFraction
          && !this.log.pending.has(runKey(row))) {
        near.push(ofNearRow(row, passed));
      }
    }
    for (const [run, { alert, ticks: heard }] of this.log.pending) {
      if (!listed.has(run)) stale.push(ofStaleAlert(alert, ticks - heard));
    }
    stale.sort((a, b) => b.idle - a.idle);
    const timeout = Array.from(this.log.timeouts.values()).reverse()
      .filter((alert) => now - alert.raised_at < timeoutShownMs && !this.dismissed.has(alert.id))
      .map((alert) => ofTimeout(alert, now));
    return { fleet, stale, timeout, near };
  }

  make(item) {
    if (item.key === "unlisted") return element("li", { class: "more" }, element("span", { class: "what" }));
    if (item.more) {
      const act = item.more === "stale" ? { text: "Show all stale runs", onclick: this.showStale }
        : { text: "Dismiss all", onclick: () => this.dismissAll() };
      return element("li", { class: "more" }, element("span", { class: "what" }),
        element("button", { type: "button", onclick: act.onclick }, act.text));
    }
    const node = element("li", { "data-kind": item.kind },
      element("span", { class: "badge" }, item.word ?? kindWords[item.kind]),
      element("div", { class: "who" }), element("div", { class: "what" }));
    if (item.run) {
      node.querySelector(".who").append(element("a", { class: "data", href: runAddress(item.run) },
        visible(item.run.agent_id)));
      if (item.run.run_id) {
        node.querySelector(".who").append(" ", element("span", { class: "data muted" },
          `run ${visible(item.run.run_id)}`));
      }
    }
    if (item.kind === "timeout") {
      node.append(element("button", { type: "button", class: "quiet",
        "aria-label": `Dismiss: ${visible(item.run.agent_id)} timed out`,
        onclick: () => { this.dismiss(item.key); node.remove(); } }, "Dismiss"));
    }
    return node;
  }

  dismissAll() {
    for (const id of this.log.timeouts.keys()) this.dismiss(id);
    this.list.querySelectorAll("[data-kind=timeout]").forEach((node) => node.remove());
  }
}

function update(node, item) {
  if (item.more) {
    setText(node.firstChild, item.more === "stale" ? `and ${many(item.hidden, "more stale run")}`
      : `and ${item.over}${number(item.hidden)} more that timed out`);
    return;
  }
  const what = node.querySelector(".what");
  setText(what, item.text);
  setAttribute(what, "title", item.run ? item.text : null);  // of which two lines are in sight
  setAttribute(node, "data-kind", item.kind);
}

const unlistedText = (count) =>
  `${many(count, "stale run is", "stale runs are")} not among those listed`;

function ofFleet(alert) {
  return { key: alert.id, kind: alert.kind,
    text: `${visible(alert.message)}. Since ${moment(alert.raised_at)}.` };
}

// What the run was at, as far as it said: what may be long is last.
function doing(run) {
  const parts = [];
  if (run.phase) parts.push(`in ${visible(run.phase)}`);
  if (run.task_id) parts.push(`task ${visible(run.task_id)}`);
  if (run.lost_events) parts.push(`${many(run.lost_events, "event")} lost on the way: perhaps not its fault`);
  if (run.detail) parts.push(visible(run.detail));
  return parts.length ? ` · ${parts.join(" · ")}` : "";
}

function ofStaleRow(row, passed) {
  const idle = row.idle_for_ms + passed;
  return { key: runKey(row), kind: "stale", run: row, idle,
    text: `silent for ${duration(idle)}, ${deadlineText(deadlineOf(row, passed))}${doing(row)}` };
}
function ofStaleAlert(alert, passed) {
  const idle = alert.idle_ms + passed;
  return { key: runKey(alert), kind: "stale", run: alert, idle,
    text: `silent for ${duration(idle)}, limit ${precise(alert.threshold_ms)}${doing(alert)}` };
}
function ofNearRow(row, passed) {
  return { key: `near ${runKey(row)}`, kind: "near", word: "Soon", run: row,
    text: deadlineText(deadlineOf(row, passed)) + doing(row) };
}
function ofTimeout(alert, now) {
  return { key: alert.id, kind: "timeout", run: alert, text: `taken out of flight `
    + `${duration(now - alert.raised_at)} ago after ${precise(alert.elapsed_ms)}${doing(alert)}` };
}
