// One stream for all tabs with the same token: a browser keeps no more than six connections to a
// host, and each stream is one for good.
import { StreamReader } from "./stream_reader.js";

const freshMs = 1500;  // a status comes every second

const ports = new Set();
let recent = [];  // the last status and what came after it: a tab that begins now would miss it
let statusTicks = 0;
const reader = new StreamReader((message) => {
  for (const one of message.raw ?? []) {
    if (one.event === "status") {
      recent = [];
      statusTicks = performance.now();
    }
    recent.push(one);
  }
  if (!message.raw) recent = [];
  for (const port of ports) port.postMessage(message);
});

globalThis.onconnect = ({ ports: [port] }) => {
  ports.add(port);
  // From where to resume, or null: the tab is gone.
  port.onmessage = ({ data }) => {
    if (data !== null) reader.resumeAfter ??= data;
    else if (ports.delete(port) && ports.size === 0) reader.stop();
  };
  if (recent.length && performance.now() - statusTicks < freshMs) port.postMessage({ raw: recent });
  if (reader.attempt === null) reader.restart();
};
