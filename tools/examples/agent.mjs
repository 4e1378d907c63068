import { randomBytes } from "node:crypto";
import { encode } from "@msgpack/msgpack";
import { XPublisher } from "zeromq";

const socket = new XPublisher({ linger: 1000, receiveTimeout: 5000 });
socket.connect(process.env.HB_EVENTS ?? "tcp://127.0.0.1:5570");
await socket.receive(); // the monitor's subscription: what is sent before it is lost
const source = randomBytes(8).toString("hex"), started = performance.now();
let seq = 0;
for (const kind of ["register", "activity", "activity", "unregister"]) {
  const age = Math.floor(performance.now() - started);
  const event = { v: 1, kind, agent_id: "reviewer", running_for_ms: age, source, seq: ++seq };
  await socket.send(["event.reviewer", encode(event)]);
}
