// A small curve of the last two minutes, one sample a second. Where nothing is known it has a gap.
import { drawing, setAttribute } from "./element.js";

export const samplesMax = 120;
const width = 120, height = 28;

export class Spark {
  samples = [];

  constructor(parent, name) {
    this.name = name;
    this.curve = drawing("path", { class: "curve" });
    this.svg = drawing("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
      preserveAspectRatio: "none" }, this.curve);
    parent.append(this.svg);
  }

  // null: not known.
  add(value) {
    this.samples.push(value);
    if (this.samples.length > samplesMax) this.samples.shift();
  }
  sum() {
    return this.samples.reduce((sum, value) => sum + (value ?? 0), 0);
  }

  draw() {
    const most = Math.max(1, ...this.samples.map((value) => value ?? 0));
    const begin = width - this.samples.length + 1;
    let path = "", pen = "M";
    this.samples.forEach((value, i) => {
      if (value === null) {
        pen = "M";
        return;
      }
      const x = begin + i, y = height - 1.5 - (height - 3) * value / most;
      path += `${pen}${x} ${y.toFixed(1)}`;
      if (pen === "M") path += `h0.01`;
      pen = "L";
    });
    setAttribute(this.curve, "d", path);
    const last = this.samples.at(-1);
    setAttribute(this.svg, "aria-label", `${this.name}: ${last === null || last === undefined
      ? "not known" : Math.round(last)} now, at most ${Math.round(most)} in two minutes`);
  }
}
