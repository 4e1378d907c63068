// What the stream last said of the monitor, and how far that can be believed.

const goneMs = 3000;  // PROTOCOL: so long without a sign of it

export class Monitor {
  status = null;   // the last one that the monitor itself gave
  silent = null;   // the last that says that it does not answer; null: it does
  ticks = 0;       // when `status` came
  wall = 0;
  skewMs = 0;      // the gateway's wall clock less this one

  constructor(stream) {
    this.stream = stream;
  }

  take(data) {
    this.skewMs = data.at - Date.now();
    if (!data.reachable) {
      this.silent = data;
      return;
    }
    this.silent = null;
    this.status = data;
    this.ticks = performance.now();
    this.wall = Date.now();
  }

  // Silent for no longer, it may only be held up.
  gone() {
    return this.silent !== null && !(this.silent.since && this.silent.at - this.silent.since < goneMs);
  }
  // Whether what is shown is how things are.
  current() {
    return this.stream.live() && this.silent === null && this.status !== null;
  }
  // Ages grow only as long as somebody would say if they did not.
  agesUntil() {
    return this.current() ? performance.now() : this.ticks;
  }
  now() {
    return Date.now() + this.skewMs;
  }
}
