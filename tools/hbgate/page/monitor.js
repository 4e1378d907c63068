// What the stream last said of the monitor, and how far that can be believed.

export class Monitor {
  status = null;   // the last one that the monitor itself gave
  gone = null;     // the last that says that it does not answer; null: it does
  ticks = 0;       // when `status` came
  wall = 0;
  skewMs = 0;      // the gateway's wall clock less this one

  constructor(stream) {
    this.stream = stream;
  }

  take(data) {
    this.skewMs = data.at - Date.now();
    if (!data.reachable) {
      this.gone = data;
      return;
    }
    this.gone = null;
    this.status = data;
    this.ticks = performance.now();
    this.wall = Date.now();
  }

  // Whether what is shown is how things are.
  current() {
    return this.stream.live() && this.gone === null && this.status !== null;
  }
  // Ages grow only as long as somebody would say if they did not.
  agesUntil() {
    return this.current() ? performance.now() : this.ticks;
  }
  now() {
    return Date.now() + this.skewMs;
  }
}
