// At a glance: is the monitor alive, does it keep up, how many are there.
import { setAttribute, setText } from "./element.js";
import { Spark, samplesMax } from "./spark.js";
import { duration, moment, number, visible } from "./words.js";

const behindMs = 1000;  // from this much unread input on the monitor is not keeping up

const byId = (id) => document.getElementById(id);

export class Health {
  events = new Spark(byId("spark-events"), "Events per second");
  alerts = new Spark(byId("spark-alerts"), "Alerts per second");
  alertsFrom = 0;  // since then all alerts are counted (epoch ms)
  last = null;  // the status of the last sample, and when it came

  constructor(monitor) {
    this.monitor = monitor;
  }

  // One sample of each curve, as a status came.
  sample() {
    const { status, silent, ticks } = this.monitor;
    const { last } = this;
    const same = silent === null && last !== null && last.epoch === status.epoch;
    // The number of events begins anew with each start of the monitor, its epoch need not.
    const events = same ? status.events_received_total - last.events_received_total : -1;
    this.events.add(events < 0 ? null : events * 1000 / Math.max(200, ticks - last.ticks));
    this.alerts.add(same ? status.alert_seq - last.alert_seq : null);
    this.last = silent === null ? { ...status, ticks } : null;
  }

  // The alerts from before this page was opened.
  seed(alerts) {
    this.alertsFrom = alerts[0]?.seq > 1 ? alerts[0].raised_at : 0;
    const now = this.monitor.now();
    const secondOf = (at) => samplesMax - 1 - Math.floor((now - at) / 1000);
    const unknown = Math.max(0, secondOf(this.alertsFrom));
    const earlier = new Array(samplesMax).fill(null, 0, unknown).fill(0, unknown);
    for (const { raised_at: at } of alerts) {
      const second = secondOf(at);
      if (second >= 0 && second < samplesMax) earlier[second] += 1;
    }
    const own = this.alerts.samples;
    this.alerts.samples = earlier.map((n, i) => own[i - samplesMax + own.length] ?? n);
  }

  draw() {
    const believed = this.monitor.current();
    const { state, text, more = "", alarm = "" } = this.told();
    setAttribute(byId("health"), "data-state", state);
    setText(byId("health-text"), text);
    setText(byId("health-more"), more);
    byId("banner").hidden = alarm === "";
    setAttribute(byId("banner"), "data-level", believed ? "warning" : "error");
    setText(byId("banner"), alarm);
    setText(byId("as-of"), this.monitor.status === null ? "" : believed
      ? `live · ${moment(Date.now())}` : `as of ${moment(this.monitor.wall)}`);
    if (this.monitor.status !== null) this.drawFigures(believed);
  }

  told() {
    const { stream, silent, status } = this.monitor;
    if (!stream.live()) {
      if (!stream.everHeard && !stream.trouble) {
        return { state: "waiting", text: "Asking the gateway…" };
      }
      const why = stream.trouble ? `: ${stream.trouble}` : "";
      return { state: "bad", text: "No connection to the gateway",
        alarm: `No news for ${duration(stream.silentMs())}${why}. Trying again by itself. ${this.old()}` };
    }
    if (silent !== null) {
      const lasted = duration(silent.at - silent.since);
      if (!this.monitor.gone()) {
        return { state: "behind", text: `The monitor has not answered for ${lasted}` };
      }
      const since = silent.since ? ` since ${moment(silent.since)}, for ${lasted}` : "";
      return { state: "bad", text: "The monitor is gone",
        alarm: `The monitor (hbmond) does not answer${since}. Nobody is being watched. ${this.old()}` };
    }
    if (status === null) return { state: "waiting", text: "Asking the monitor…" };
    const more = `hbmond ${visible(status.version)}, up ${duration(status.uptime_ms)}`;
    if (status.overloaded || status.ingest_lag_ms > behindMs) {
      return { state: "behind", text: `Alive, but ${duration(status.ingest_lag_ms)} behind with reading`,
        more, alarm: "The monitor has more to read than it can: verdicts come late until it has caught up." };
    }
    if (status.state_file === "left") {
      return { state: "behind", text: "Alive, but its state file is not written", more,
        alarm: "The monitor cannot write its state file: alerts go out, but a restart would forget them. Its log says why." };
    }
    if (status.state_file === "failing") {
      return { state: "behind", text: "Alive, but its state file is not written", more,
        alarm: "The monitor cannot write its state file just now: a restart would forget what changed since. Its log says why." };
    }
    if (!status.alerts_heard) {
      return { state: "behind", text: "Alive, but its alerts come late", more,
        alarm: "The gateway does not hear the monitor's alert socket and asks for alerts instead. Does its --alerts name that socket?" };
    }
    return { state: "good", text: "Alive and keeping up", more };
  }

  old() {
    return this.monitor.status === null ? ""
      : `What is shown below is old, as of ${moment(this.monitor.wall)}.`;
  }

  drawFigures(believed) {
    const { status } = this.monitor;
    setText(byId("count-all"), number(status.agents_monitoring));
    setText(byId("count-running"), number(status.running));
    setText(byId("count-idle"), number(status.idle));
    setText(byId("count-stale"), number(status.stale));
    byId("count-stale").parentElement.classList.toggle("alarming", status.stale > 0);
    const rate = believed ? this.events.samples.at(-1) : null;
    setText(byId("rate-events"), typeof rate === "number" ? number(Math.round(rate)) : "–");
    const over = this.monitor.now() - this.alertsFrom < samplesMax * 1000 ? "over " : "";
    setText(byId("rate-alerts"), over + number(this.alerts.sum()));
    this.events.draw();
    this.alerts.draw();
  }
}
