// What the gateway says, as it says it: from the stream that all tabs share, or, where a browser
// knows no shared workers, from one of this tab's own.
import { Refused, tokenUsed } from "./gateway.js";
import { StreamReader } from "./stream_reader.js";

const silenceLimitMs = 3000;  // the gateway says something every second
const workerLimit = 12;  // seconds: a worker tells of each attempt's end
const hiddenMs = 10_000;

export class Stream {
  // `events(list)`: [{event, data (parsed), id}], all that one read brought. `refused(error)`: a
  // token is asked for; it goes on at restart().
  constructor({ events, refused }) {
    this.events = events;
    this.refused = refused;
    this.heard = { ticks: performance.now(), wall: Date.now() };
    this.everHeard = false;
    this.trouble = "";  // why the last attempt ended
    this.own = new StreamReader((message) => this.take(message));
    this.port = null;   // to the worker; null: this tab reads by itself
    this.unanswered = 0;  // seconds awake: at the end of a sleep a worker is not late
    setInterval(() => this.port && ++this.unanswered > workerLimit && this.readAlone(), 1000);
    addEventListener("pagehide", ({ persisted }) => persisted || this.leave());
    document.addEventListener("visibilitychange", () => this.look());
  }

  // The wall clock goes on while a machine sleeps, the other is never set: the larger is the truth
  // or errs to the safe side.
  silentMs() {
    return Math.max(performance.now() - this.heard.ticks, Date.now() - this.heard.wall);
  }
  live() {
    return this.everHeard && this.silentMs() < silenceLimitMs;
  }

  restart() {
    this.leave();
    if (!globalThis.SharedWorker) return this.readAlone();
    const worker = new SharedWorker("stream_worker.js", { type: "module", name: tokenUsed() });
    worker.onerror = () => this.readAlone();
    this.port = worker.port;
    this.port.onmessage = ({ data }) => this.take(data);
    this.unanswered = 0;
  }

  readAlone() {
    this.leave();
    this.look();
  }

  leave() {
    this.port?.postMessage(null);
    this.port = null;
    this.own.stop();
  }

  // Its own stream takes a connection, which tabs in sight need more.
  look() {
    clearTimeout(this.unseen);
    if (this.port !== null) return;
    if (document.hidden) {
      this.unseen = setTimeout(() => {
        this.own.stop();
        this.trouble = "nobody looked at this page";
      }, hiddenMs);
    } else if (this.own.attempt === null) {
      this.own.restart();
    }
  }

  // Alerts up to this one are known.
  resumeAfter(place) {
    this.own.resumeAfter ??= place;
    this.port?.postMessage(place);
  }

  take({ raw, trouble, refused }) {
    this.unanswered = 0;
    if (refused) this.refused(new Refused(refused.status, refused.body));
    if (trouble) this.trouble = trouble;
    if (!raw) return;
    this.heard = { ticks: performance.now(), wall: Date.now() };
    this.everHeard = true;
    this.trouble = "";
    const events = raw.map(({ event, data, id }) => ({ event, id, data: JSON.parse(data) }));
    for (const { id } of events) this.own.resumeAfter = id ?? this.own.resumeAfter;
    this.events(events);
  }
}
