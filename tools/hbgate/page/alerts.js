// What the alerts say: which were raised, and which episodes are open. Alerts come from the stream,
// in order, and once from what the monitor kept before it; each counts once.
import { runKey } from "./words.js";

const keptMax = 1000;
const pendingMax = 200;
const timeoutsMax = 200;
const endedMax = 5000;

export class AlertLog {
  epoch = null;
  first = null;  // seq of the first that the stream brought in this epoch
  last = 0;      // seq of the last
  kept = [];     // oldest first: alerts, and notes {note: text, at}
  storms = new Map();    // id → {alert, members: how many alerts carry its id, ended}
  capacity = new Map();  // id → alert; open ones
  timeouts = new Map();  // id → alert; the newest
  pending = new Map();   // run's key → {alert, ticks}: stale ones that no listing has shown yet
  settled = new Map();   // run's key → ticks: no longer stale, perhaps not yet so in a listing
  ended = new Set();     // ids of episodes that are over

  // Returns those that are new.
  takeStreamed(alerts, ticks) {
    const fresh = [];
    for (const alert of alerts) {
      if (alert.epoch !== this.epoch) this.begin(alert.epoch);
      if (alert.seq <= this.last) continue;
      this.first ??= alert.seq;
      this.last = alert.seq;
      this.apply(alert, ticks);
      if (!this.foldIntoStorm(alert)) this.kept.push(alert);
      fresh.push(alert);
    }
    this.kept.splice(0, this.kept.length - keptMax);
    return fresh;
  }

  // Those that the monitor kept from before, oldest first.
  takeKept(epoch, alerts, ticks) {
    if (epoch !== this.epoch) this.begin(epoch);
    const earlier = alerts.filter((alert) => this.first === null || alert.seq < this.first);
    if (earlier.length === 0) return;
    for (const alert of earlier) this.apply(alert, ticks);
    const own = earlier.filter((alert) => !this.foldIntoStorm(alert));
    this.kept = [...own, ...this.kept].slice(-keptMax);
    this.last = Math.max(this.last, earlier.at(-1).seq);
    this.first ??= this.last + 1;
  }

  // A fresh monitor knows nothing of the episodes of the one before; what timed out has.
  begin(epoch) {
    this.epoch = epoch;
    this.first = null;
    this.last = 0;
    for (const storm of this.storms.values()) storm.ended = true;
    this.capacity.clear();
    this.pending.clear();
  }

  note(text, at) {
    this.kept.push({ note: text, at });
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
        limit(this.timeouts, timeoutsMax);
        this.settle(run, alert.supersedes, ticks);
        break;
      case "storm":
        this.storms.set(alert.id, { alert, members: 0, ended: this.ended.has(alert.id) });
        limit(this.storms, keptMax);
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

  // The members of a storm are told as a number beside it, or they would be all that there is to
  // see. Those raised before the storm was known are in the list already and stay there.
  foldIntoStorm(alert) {
    const storm = alert.storm && this.storms.get(alert.storm);
    if (!storm) return false;
    storm.members += 1;
    return true;
  }

  // A listing read at `ticks` speaks for itself: what was heard before it is in it.
  listedAt(ticks) {
    for (const map of [this.pending, this.settled]) {
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
