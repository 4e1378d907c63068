// What the alerts say: which were raised, and which episodes are open. Alerts come from the stream,
// in order, and once from what the monitor kept before it; each counts once.
import { many, runKey } from "./words.js";

const keptMax = 1000;
const pendingMax = 200;
const timeoutsMax = 200;
const endedMax = 5000;
const stormsMax = 20;

export class AlertLog {
  epoch = null;
  first = null;  // seq of the first that the stream brought in this epoch
  last = 0;      // seq of the last
  kept = [];     // oldest first: alerts, and notes {note: text, at}
  storms = new Map();    // id → {alert, ended}; of this epoch
  capacity = new Map();  // id → alert; open ones
  timeouts = new Map();  // id → alert; the newest
  pending = new Map();   // run's key → {alert, ticks}: stale ones that no listing has shown yet
  settled = new Map();   // run's key → ticks: no longer stale, perhaps not yet so in a listing
  ended = new Set();     // ids of episodes that are over
  noted = new Set();     // ids of storms whose own alert is not here
  timeoutsFrom = 0;      // since then all timeouts are here (epoch ms)

  // Returns those that are new.
  takeStreamed(alerts, ticks) {
    const fresh = [];
    for (const alert of alerts) {
      if (alert.epoch !== this.epoch) this.begin(alert.epoch);
      if (alert.seq <= this.last) continue;
      this.first ??= alert.seq;
      this.last = alert.seq;
      this.apply(alert, ticks);
      fresh.push(alert);
    }
    this.keep([...this.kept, ...fresh]);
    return fresh;
  }

  // Those that the monitor of this epoch kept from before, oldest first.
  takeKept(alerts, ticks) {
    const earlier = alerts.filter((alert) => this.first === null || alert.seq < this.first);
    if (earlier.length === 0) return;
    if (earlier[0].seq > 1) this.lackTimeouts(earlier[0].raised_at);
    for (const alert of earlier) this.apply(alert, ticks);
    this.keep([...earlier, ...this.kept]);
    this.last = Math.max(this.last, earlier.at(-1).seq);
    this.first ??= this.last + 1;
  }

  // A fresh monitor knows nothing of the episodes of the one before; what timed out has.
  begin(epoch) {
    this.epoch = epoch;
    this.first = null;
    this.last = 0;
    this.storms.clear();
    this.capacity.clear();
    this.pending.clear();
  }

  note(text, at) {
    this.kept.push({ note: text, at });
  }
  // Among what is missing may be the end of what is pending.
  lost(count, at) {
    this.pending.clear();
    this.lackTimeouts(at);
    this.note(`${many(count, "alert")} came that are kept no longer.`, at);
  }

  lackTimeouts(until) {
    this.timeoutsFrom = Math.max(this.timeoutsFrom, until);
  }

  apply(alert, ticks) {
    const run = runKey(alert);
    switch (alert.kind) {
      case "stale":
        if (this.ended.has(alert.id)) break;
        this.settled.delete(run);
        this.pending.set(run, { alert, ticks });
        limit(this.pending, pendingMax);
        break;
      case "timeout":
        this.timeouts.set(alert.id, alert);
        if (this.timeouts.size > timeoutsMax) {
          this.lackTimeouts(this.timeouts.values().next().value.raised_at);
          limit(this.timeouts, timeoutsMax);
        }
        this.settle(run, alert.supersedes, ticks);
        break;
      case "storm":
        this.storms.set(alert.id, { alert, ended: this.ended.has(alert.id) });
        limit(this.storms, stormsMax);
        break;
      case "capacity":
        if (!this.ended.has(alert.id)) this.capacity.set(alert.id, alert);
        break;
      case "resolved":
        this.capacity.delete(alert.id);
        if (this.storms.has(alert.id)) this.storms.get(alert.id).ended = true;
        this.settle(run, alert.id, ticks);
        break;
    }
  }

  settle(run, episode, ticks) {
    if (episode) this.ended.add(episode);
    limit(this.ended, endedMax);
    this.pending.delete(run);
    this.settled.set(run, ticks);
    limit(this.settled, endedMax);
  }

  // What belongs to a storm has no line of its own, or there would be nothing else to see: its
  // warnings (those raised before it was known for one follow from its since_seq), and that they
  // are resolved. A storm whose own alert is not here is noted.
  keep(all) {
    const listed = new Set();
    const single = all.flatMap((one) => {
      if (one.note) return this.storms.has(one.storm) ? [] : one;
      const silenced = one.kind === "resolved"
        ? one.agent_id !== "" && this.storms.size + this.noted.size > 0 && !listed.has(one.id)
        : (one.kind === "stale" || one.kind === "timeout") && this.inStorm(one);
      if (!silenced) {
        listed.add(one.id);
        return one;
      }
      if (!one.storm || this.storms.has(one.storm) || this.noted.has(one.storm)) return [];
      this.noted.add(one.storm);
      return { note: "A storm was on: its alerts are not listed one by one.", at: one.raised_at, storm: one.storm };
    });
    this.kept = single.slice(-keptMax);
  }

  inStorm(one) {
    return one.storm || [...this.storms.values()].some(({ alert }) =>
      alert.since_seq <= one.seq && one.seq < alert.seq && alert.epoch === one.epoch);
  }

  // How many runs a status that came at `ticks` may still count as stale.
  settledSince(ticks) {
    return [...this.settled.values()].filter((settled) => settled > ticks).length;
  }

  // A listing read at `ticks` speaks for itself: what was heard before it is in it, or, of one that
  // is truncated, perhaps not.
  listedAt(ticks, truncated) {
    for (const map of truncated ? [this.settled] : [this.pending, this.settled]) {
      for (const [run, value] of map) {
        if ((value.ticks ?? value) < ticks) map.delete(run);
      }
    }
  }
}

function limit(collection, max) {
  for (const key of collection.keys()) {
    if (collection.size <= max) return;
    collection.delete(key);
  }
}
