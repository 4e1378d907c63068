// All runs, of which only those in sight (and some around them) are asked for and are in the DOM.
// Focus stays on the grid; aria-activedescendant names the active row, so that rows may come and go.
import { element, setAttribute, setText } from "./element.js";
import { ask } from "./gateway.js";
import { deadlineOf, deadlineText, duration, many, nearFraction, number, runAddress, runKey, stateOf,
  visible } from "./words.js";

// What the gateway sorts by, and what a first click on the head sorts by.
const columns = [
  { name: "agent", title: "Agent", first: "agent_id" },
  { name: "type", title: "Type", first: "agent_type" },
  { name: "state", title: "State", first: "status" },
  { name: "phase", title: "Phase", first: "phase" },
  { name: "task", title: "Task", first: "task_id" },
  { name: "last", title: "Last event ago", first: "-idle_for_ms" },
  { name: "running", title: "Running for", first: "-running_for_ms" },
  { name: "deadline", title: "Deadline in", first: "deadline_in_ms" },
  { name: "losses", title: "Losses", first: "-lost_events" },
];
const orders = [["attention", "most urgent first"],
  ...columns.map(({ title, first }) => [first, `by ${title.toLowerCase()}`])];

const overscan = 8;       // rows in the DOM beyond those in sight, on both sides
const listingLateMs = 4000;  // fleets are listed each second, huge ones less often
const askGapMs = 60;      // between two questions while somebody scrolls

const reversed = (sort) => (sort.startsWith("-") ? sort.slice(1) : `-${sort}`);

export class RunTable {
  // `changed(query)`: somebody chose another part or order; `open(run)`: chose a run;
  // `answered()`: there are rows to draw; `refused(error)`: a token is asked for.
  constructor({ changed, open, answered, refused }) {
    Object.assign(this, { changed, open, answered, refused });
    this.query = { search: "", status: "", agent_type: "", sort: "attention" };
    this.rows = [];      // as listed, from the place `from` on
    this.from = 0;
    this.total = null;   // null: not known yet
    this.truncated = false;
    this.listedTicks = performance.now();
    this.answeredTicks = this.listedTicks;
    this.active = null;  // {index, key}
    this.nodes = [];
    this.grid = document.getElementById("grid");
    this.head = document.getElementById("grid-head");
    this.body = document.getElementById("grid-body");
    this.caption = document.getElementById("runs-count");
    this.reverse = document.getElementById("reverse");
    this.makeHead();
    this.listen();
    this.measure();
  }

  makeHead() {
    for (const column of columns) {
      column.head = element("span", { role: "columnheader", class: `cell ${column.name}` },
        element("button", { type: "button", tabindex: -1, onclick: () => this.sortBy(column) },
          column.title));
      this.head.append(column.head);
    }
    const sort = document.getElementById("sort");
    sort.append(...orders.map(([value, text]) => element("option", { value }, text)));
    this.reverse.addEventListener("click", () => this.changed({ sort: reversed(this.query.sort) }));
    setAttribute(this.grid, "aria-colcount", columns.length);
  }

  sortBy(column) {
    const { sort } = this.query;
    this.changed({ sort: sort === column.first ? reversed(sort) : column.first });
  }

  listen() {
    this.grid.addEventListener("scroll", () => { this.draw(); this.need(); }, { passive: true });
    this.grid.addEventListener("keydown", (event) => this.key(event));
    // Rows may change under a finger: what was pressed counts.
    this.body.addEventListener("pointerdown", (event) => { this.pressed = this.runAt(event); });
    this.body.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const run = this.pressed ?? this.runAt(event);
      this.pressed = null;
      if (run && !String(document.getSelection())) this.open(run);
    });
    new ResizeObserver(() => this.measure()).observe(this.grid);
  }

  runAt(event) {
    const node = event.target.closest("[role=row]");
    return node ? this.rowOf(Number(node.dataset.index)) : null;
  }
  rowOf(index) {
    return this.rows[index - this.from] ?? null;
  }

  measure() {
    this.rowHeight = parseFloat(getComputedStyle(this.grid).getPropertyValue("--row")) || 36;
    this.draw();
    this.need();
  }

  ask(query) {
    Object.assign(this.query, query);
    this.from = 0;
    this.rows = [];
    this.total = null;
    this.active = null;
    this.grid.scrollTop = 0;
    this.asking?.abort();
    this.asking = null;
    this.draw();
    this.refresh();
  }

  // The places in sight. All 200,000 rows that a gateway lists are not higher than a browser can lay
  // out (17 million pixels), also as cards.
  sight() {
    const { scrollTop, clientHeight } = this.grid;
    const seen = Math.ceil(clientHeight / this.rowHeight) + 1;
    const first = Math.max(0, Math.min((this.total ?? 0) - 1, Math.floor(scrollTop / this.rowHeight)));
    return { first, seen };
  }

  // Asks at once where something in sight is not there.
  need() {
    if (this.total === null) return;
    const { first, seen } = this.sight();
    const last = Math.min(this.total, first + seen);
    const there = (from, count) => from <= first && from + count >= last;
    if (there(this.from, this.rows.length)) return;
    if (this.asking && there(this.askedFrom, this.askedCount)) return;
    if (this.needTimer) return;
    const wait = Math.max(0, askGapMs - (performance.now() - (this.askedTicks ?? 0)));
    this.needTimer = setTimeout(() => {
      this.needTimer = null;
      this.asking?.abort();
      this.asking = null;
      this.refresh();
    }, wait);
  }

  // Asks for what is in sight, if that is not being asked already.
  async refresh() {
    if (this.asking) return;
    const { first, seen } = this.sight();
    const asking = new AbortController();
    this.asking = asking;
    this.askedTicks = performance.now();
    this.askedFrom = Math.max(0, first - seen);
    this.askedCount = Math.min(1000, 3 * seen);
    const query = { ...this.query, offset: this.askedFrom, limit: this.askedCount };
    try {
      const answer = await ask("ranking", query, asking.signal);
      if (asking !== this.asking) return;
      this.asking = null;
      this.take(answer);
    } catch (error) {
      if (asking !== this.asking) return;
      this.asking = null;
      this.refused(error);
    }
  }

  take(answer) {
    this.rows = answer.agents;
    this.from = this.askedFrom;
    this.total = answer.total;
    this.truncated = answer.truncated;
    this.listed = answer.listed;
    this.answeredTicks = performance.now();
    this.listedTicks = this.answeredTicks - answer.age_ms;
    if (this.active) {
      const at = this.rows.findIndex((row) => runKey(row) === this.active.key);
      if (at >= 0) this.active.index = this.from + at;
      this.active.index = Math.min(this.active.index, this.total - 1);
      this.active.key = keyOf(this.rowOf(this.active.index)) ?? this.active.key;
    }
    this.answered();
    this.need();
  }

  // Ages grow up to `ticks`; where nothing newer is known they stay.
  draw(ticks = this.ticks ?? performance.now()) {
    this.ticks = ticks;
    const { first, seen } = this.sight();
    const total = this.total ?? 0;
    const from = Math.max(0, first - overscan), to = Math.min(total, first + seen + overscan);
    setAttribute(this.grid, "aria-rowcount", this.total === null ? -1 : total + 1);
    setAttribute(this.grid, "aria-busy", this.total === null ? "true" : null);
    this.body.style.height = `${total * this.rowHeight}px`;
    while (this.nodes.length < to - from) this.nodes.push(this.makeRow());
    for (const node of this.nodes.splice(Math.max(0, to - from))) node.remove();
    this.nodes.forEach((node, i) => this.drawRow(node, from + i));
    const activeSeen = this.active && this.active.index >= from && this.active.index < to;
    setAttribute(this.grid, "aria-activedescendant", activeSeen ? "active-row" : null);
    for (const column of columns) {
      const plain = column.first.replace("-", ""), { sort } = this.query;
      setAttribute(column.head, "aria-sort", sort === plain ? "ascending"
        : sort === `-${plain}` ? "descending" : null);
    }
    const natural = orders.some(([value]) => value === this.query.sort);
    setAttribute(this.reverse, "aria-pressed", String(!natural));
    this.describe(first, seen);
  }

  describe(first, seen) {
    if (this.total === null) {
      setText(this.caption, "not known yet");
    } else {
      const visibleRows = Math.max(1, Math.min(this.total - first, seen - 1));
      const part = this.total === 0 ? "none"
        : `${number(first + 1)} to ${number(first + visibleRows)} of ${many(this.total, "run")}`;
      const cut = this.truncated ? `; only the first ${number(this.listed)} are listed` : "";
      const age = this.ticks - this.listedTicks;
      const late = age > listingLateMs ? `, as of ${duration(age)} ago` : "";
      setText(this.caption, part + cut + late);
    }
  }

  makeRow() {
    const node = element("div", { role: "row", class: "row" });
    node.cells = {};
    for (const { name } of columns) {
      node.cells[name] = element("span", { role: "gridcell", class: `cell ${name}` });
    }
    const { agent, state, deadline } = node.cells;
    node.link = element("a", { class: "data", tabindex: -1 });
    node.run = element("span", { class: "data muted" });
    agent.append(node.link, node.run);
    node.badge = element("span", { class: "badge" });
    state.append(node.badge);
    node.fill = element("i");
    node.due = element("span", { class: "due" });
    deadline.append(element("span", { class: "bar", "aria-hidden": "true" }, node.fill), node.due);
    node.append(...Object.values(node.cells));
    this.body.append(node);
    return node;
  }

  drawRow(node, index) {
    const row = this.rowOf(index);
    node.style.transform = `translateY(${index * this.rowHeight}px)`;
    node.dataset.index = index;
    setAttribute(node, "aria-rowindex", index + 2);
    const active = this.active?.index === index;
    setAttribute(node, "id", active ? "active-row" : null);
    setAttribute(node, "aria-selected", active ? "true" : null);
    node.classList.toggle("missing", !row);
    const { type, phase, task, last, running, losses } = node.cells;
    if (!row) {
      setText(node.link, "…");
      setAttribute(node.link, "href", null);
      for (const cell of [node.run, node.badge, type, phase, task, last, running, losses, node.due]) {
        setText(cell, "");
      }
      setAttribute(node, "data-state", null);
      node.fill.style.width = "0";
      return;
    }
    const passed = Math.max(0, this.ticks - this.listedTicks);
    const state = stateOf(row);
    setText(node.link, visible(row.agent_id));
    setAttribute(node.link, "href", runAddress(row));
    setAttribute(node.link, "title", visible(row.agent_id + (row.detail ? `: ${row.detail}` : "")));
    setText(node.run, row.run_id && ` ${visible(row.run_id)}`);
    setAttribute(node, "data-state", row.stale ? "stale" : row.status);
    setText(node.badge, state);
    for (const [cell, text] of [[type, row.agent_type], [phase, row.phase], [task, row.task_id]]) {
      setText(cell, visible(text));
      setAttribute(cell, "title", visible(text) || null);
    }
    setText(last, duration(row.idle_for_ms + passed));
    setText(running, duration(row.running_for_ms + passed));
    setText(losses, row.lost_events ? number(row.lost_events) : "");
    setAttribute(losses, "title", row.lost_events
      ? "events that went missing on the way after its last one" : null);
    this.drawDeadline(node, row, passed);
  }

  drawDeadline(node, row, passed) {
    const deadline = deadlineOf(row, passed);
    node.fill.style.width = `${(row.stale ? 1 : deadline.fraction) * 100}%`;
    setAttribute(node.fill, "data-level", row.stale ? "over"
      : deadline.fraction >= nearFraction ? "near" : null);
    setText(node.due, deadlineText(deadline));
  }

  key(event) {
    if (event.target !== this.grid || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.grid.clientHeight / this.rowHeight) - 2);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page,
      Home: -Infinity, End: Infinity };
    if (event.key in moves) {
      event.preventDefault();
      this.move(moves[event.key]);
    } else if (event.key === "Enter" && this.active) {
      const run = this.rowOf(this.active.index);
      if (run) this.open(run);
    }
  }

  // Makes the row so many places away the active one, and brings it into sight.
  move(by) {
    if (!this.total) return;
    this.grid.focus({ preventScroll: true });
    const at = this.active ? this.active.index + by : by > 0 && by < Infinity ? 0 : by;
    const index = Math.max(0, Math.min(this.total - 1, at));
    this.active = { index, key: keyOf(this.rowOf(index)) };
    this.scrollTo(index);
    this.draw();
    this.need();
  }

  scrollTo(index) {
    const seen = this.grid.clientHeight - this.head.offsetHeight;
    const top = index * this.rowHeight, bottom = top + this.rowHeight;
    if (top < this.grid.scrollTop) this.grid.scrollTop = top;
    else if (bottom > this.grid.scrollTop + seen) this.grid.scrollTop = bottom - seen;
  }
}

const keyOf = (row) => (row ? runKey(row) : null);
