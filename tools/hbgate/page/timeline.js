// The alerts, newest first, as they come.
import { element, reconcile, setText } from "./element.js";
import { kindWords, many, moment, precise, runAddress, visible } from "./words.js";

const pageSize = 100;

// One alert as a line of a list; also for the page of a run, which needs no link to itself.
export function alertLine(alert, linked) {
  const word = kindWords[alert.kind] ?? visible(alert.kind);
  const message = visible(alert.message);
  const line = element("li", { "data-kind": alert.kind, "data-severity": alert.severity },
    element("time", { datetime: new Date(alert.raised_at).toISOString() }, moment(alert.raised_at)),
    element("span", { class: "badge" }, word),
    linked && alert.agent_id
      ? element("a", { class: "data message", href: runAddress(alert) }, message)
      : element("span", { class: "data message" }, message));
  const notes = [];
  if (alert.lost_events) notes.push(`${many(alert.lost_events, "event")} lost before it`);
  if (alert.overloaded) notes.push("judged although the monitor was behind");
  if (alert.blind_ms) notes.push(`the monitor was blind for ${precise(alert.blind_ms)} of it`);
  if (alert.storm) notes.push("part of a storm");
  if (alert.replayed) notes.push("perhaps published before");
  if (alert.kind === "storm") notes.push("its warnings are not listed one by one: see the stale runs");
  if (notes.length) line.append(element("span", { class: "muted notes" }, notes.join("; ")));
  return line;
}

export class Timeline {
  constructor(log) {
    this.log = log;
    this.shownMax = pageSize;
    this.list = document.getElementById("alerts-list");
    this.none = document.getElementById("alerts-none");
    this.older = document.getElementById("alerts-older");
    this.kind = document.getElementById("alerts-kind");
    this.asked = false;  // whether what was kept has been asked for
    this.older.addEventListener("click", () => {
      this.shownMax += pageSize;
      this.draw();
    });
    this.kind.addEventListener("change", () => this.draw());
  }

  draw() {
    const wanted = this.kind.value;
    const fitting = this.log.kept.filter((one) =>
      !wanted || (one.note ? wanted === "error" : one.severity === wanted));
    const shown = fitting.slice(-this.shownMax).reverse();
    reconcile(this.list, shown, (one) => one.note ? one : `${one.epoch}/${one.seq}`,
      (one) => one.note ? noteLine(one) : alertLine(one, true),
      () => {});
    this.older.hidden = fitting.length <= this.shownMax;
    this.none.hidden = fitting.length > 0;
    setText(this.none, !this.asked ? "Not known yet." : this.log.kept.length === 0
      ? "No alerts yet. They appear here as they are raised." : "No alerts of this kind.");
  }
}

function noteLine({ note, at }) {
  return element("li", { "data-kind": "note" },
    element("time", { datetime: new Date(at).toISOString() }, moment(at)),
    element("span", { class: "badge" }, "Note"), element("span", { class: "message" }, note));
}
