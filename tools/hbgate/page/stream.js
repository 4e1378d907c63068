// The gateway's event stream, read for ever. It is read by fetch and not by EventSource, which
// cannot send a token and does not say why it failed.
import { open, Refused } from "./gateway.js";

const silenceLimitMs = 3000;  // the gateway says something every second
const giveUpMs = 6000;
const retryMinMs = 500, retryMaxMs = 5000;

// Splits text that comes in pieces into events {event, data, id}.
export class EventParser {
  rest = "";

  take(text) {
    const events = [];
    const blocks = (this.rest + text).replaceAll("\r\n", "\n").split("\n\n");
    this.rest = blocks.pop();
    for (const block of blocks) {
      const event = { event: "message", data: "", id: null };
      for (const line of block.split("\n")) {
        const colon = line.indexOf(":");
        if (colon <= 0) continue;
        const name = line.slice(0, colon);
        const value = line.slice(colon + 1).replace(/^ /, "");
        event[name] = name === "data" && event.data ? `${event.data}\n${value}` : value;
      }
      if (event.data) events.push(event);
    }
    return events;
  }
}

export class Stream {
  // `events(list)`: [{event, data (parsed), id}], all that one read brought. `refused(error)`: a
  // token is asked for; it goes on at restart().
  constructor({ events, refused }) {
    this.events = events;
    this.refused = refused;
    this.resumeAfter = null;  // EPOCH/SEQ
    this.heard = { ticks: performance.now(), wall: Date.now() };
    this.everHeard = false;
    this.trouble = "";  // why the last attempt ended
    this.retryMs = retryMinMs;
    this.retry = null;
    this.attempt = null;
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
    clearTimeout(this.retry);
    this.retryMs = retryMinMs;
    this.attempt?.abort();
    this.read();
  }

  async read() {
    const attempt = new AbortController();
    this.attempt = attempt;
    let patience = setTimeout(() => attempt.abort(), giveUpMs);
    try {
      const headers = { Accept: "text/event-stream" };
      if (this.resumeAfter) headers["Last-Event-ID"] = this.resumeAfter;
      const response = await open("stream", headers, attempt.signal);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        clearTimeout(patience);
        patience = setTimeout(() => attempt.abort(), giveUpMs);
        this.take(parser.take(value));
      }
      this.trouble = "the gateway ended the stream";
    } catch (error) {
      if (attempt !== this.attempt) return;  // another has begun meanwhile
      if (error instanceof Refused && (error.status === 401 || error.status === 403)) {
        this.refused(error);
        return;
      }
      this.trouble = error instanceof Refused ? error.message : "the gateway does not answer";
    } finally {
      clearTimeout(patience);
    }
    if (attempt !== this.attempt) return;
    this.retry = setTimeout(() => this.read(), this.retryMs);
    this.retryMs = Math.min(retryMaxMs, this.retryMs * 2);
  }

  take(raw) {
    if (raw.length === 0) return;
    this.heard = { ticks: performance.now(), wall: Date.now() };
    this.everHeard = true;
    this.trouble = "";
    this.retryMs = retryMinMs;
    const events = raw.map(({ event, data, id }) => ({ event, id, data: JSON.parse(data) }));
    for (const { id } of events) this.resumeAfter = id ?? this.resumeAfter;
    this.events(events);
  }
}
