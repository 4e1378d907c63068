// Tells screen readers what happens, as it happens, and not more often than one can listen.
import { many } from "./words.js";

const gapMs = 2000;
const toldMax = 3;  // of more that come together, only how many there are and the last

export class Announcer {
  waiting = [];
  announcedTicks = -gapMs;
  place = document.getElementById("announcer");

  say(text) {
    this.waiting.push(text);
    if (this.waiting.length > 1) return;
    const wait = Math.max(0, this.announcedTicks + gapMs - performance.now());
    setTimeout(() => {
      this.announcedTicks = performance.now();
      this.place.textContent = this.waiting.length <= toldMax ? this.waiting.join(" ")
        : `${many(this.waiting.length, "new message")}. The last: ${this.waiting.at(-1)}`;
      this.waiting = [];
    }, wait);
  }
}
