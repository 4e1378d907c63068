// The gateway's event stream, read for ever. It is read by fetch and not by EventSource, which
// cannot send a token and does not say why it failed.
import { open, Refused } from "./gateway.js";

const giveUpMs = 6000;  // the gateway says something every second
const retryMinMs = 500, retryMaxMs = 5000;

// Splits text that comes in pieces into events {event, data, id}. The gateway's data are one line.
class EventParser {
  rest = "";

  take(text) {
    const events = [];
    const blocks = (this.rest + text).split("\n\n");
    this.rest = blocks.pop();
    for (const block of blocks) {
      const event = Object.fromEntries(
        block.split("\n").map((line) => [line.split(":", 1)[0], line.slice(line.indexOf(":") + 2)]));
      if (event.data) events.push(event);
    }
    return events;
  }
}

export class StreamReader {
  resumeAfter = null;  // EPOCH/SEQ
  attempt = null;      // null: it waits, or is stopped
  retryMs = retryMinMs;

  // `tell(message)`: {raw: all events that one read brought}; {trouble: why an attempt ended};
  // {refused: {status, body}}: a token is asked for, and it goes on at restart().
  constructor(tell) {
    this.tell = tell;
  }

  restart() {
    this.stop();
    this.retryMs = retryMinMs;
    this.read();
  }
  stop() {
    clearTimeout(this.retry);
    this.attempt?.abort();
    this.attempt = null;
  }

  async read() {
    const attempt = new AbortController();
    this.attempt = attempt;
    let patience = setTimeout(() => attempt.abort(), giveUpMs);
    let trouble = "the gateway ended the stream";
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
    } catch (error) {
      if (attempt !== this.attempt) return;  // another has begun meanwhile
      if (error instanceof Refused && (error.status === 401 || error.status === 403)) {
        this.attempt = null;
        this.tell({ refused: { status: error.status, body: error.body } });
        return;
      }
      trouble = error instanceof Refused ? error.message : "the gateway does not answer";
    } finally {
      clearTimeout(patience);
    }
    if (attempt !== this.attempt) return;
    this.attempt = null;
    this.tell({ trouble });
    this.retry = setTimeout(() => this.read(), this.retryMs);
    this.retryMs = Math.min(retryMaxMs, this.retryMs * 2);
  }

  take(raw) {
    if (raw.length === 0) return;
    this.retryMs = retryMinMs;
    for (const { id } of raw) this.resumeAfter = id ?? this.resumeAfter;
    this.tell({ raw });
  }
}
